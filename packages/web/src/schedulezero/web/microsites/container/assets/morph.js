// Makes an element like another one by changing only what differs, so that the rest keeps what a user has done to it.
const OWN_AFFAIRS = ["COPY-BUTTON", "CONNECTION-STATUS"];

// Elements with an id that were not there before are news, and marked `fresh`.
export function morph(current, next) {
  matchAttributes(current, next);
  if (!OWN_AFFAIRS.includes(current.tagName)) matchChildren(current, next);
}

function matchAttributes(current, next) {
  for (const { name, value } of next.attributes) {
    if (current.getAttribute(name) !== value) current.setAttribute(name, value);
  }
  for (const { name } of Array.from(current.attributes)) {
    if (!next.hasAttribute(name) && !isUsers(current, name)) current.removeAttribute(name);
  }
}

// `open` is of details, what a user has opened; the status word of a connection and the like are of scripts.
function isUsers(element, name) {
  return (name === "open" && element.tagName === "DETAILS") || OWN_AFFAIRS.includes(element.tagName);
}

function matchChildren(current, next) {
  const known = new Map(Array.from(current.children).filter(isNamed).map((child) => [child.id, child]));
  removeUnknown(known, next);
  let place = current.firstChild;
  for (const wanted of Array.from(next.childNodes)) {
    const found = isNamed(wanted) ? known.get(wanted.id) : following(place, wanted);
    if (!found || !isLike(found, wanted)) {
      if (isNamed(wanted) && known.size) wanted.classList.add("fresh");
      current.insertBefore(wanted, place);
      continue;
    }
    place = removeUnnamed(place, found);
    if (found === place) place = place.nextSibling;
    else current.insertBefore(found, place);
    matchNode(found, wanted);
  }
  while (place) place = removed(place);
}

function removeUnknown(known, next) {
  const ids = new Set(Array.from(next.children, (child) => child.id));
  for (const [id, child] of known) if (!ids.has(id)) child.remove();
}

// To move an element takes the focus from it: what stands before it goes instead.
function removeUnnamed(place, found) {
  while (place && place !== found && !isNamed(place) && !isNamed(found)) place = removed(place);
  return place;
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function following(place, wanted) {
  while (place && (isNamed(place) || !isLike(place, wanted))) place = place.nextSibling;
  return place;
}

function matchNode(current, next) {
  if (current.nodeType === Node.ELEMENT_NODE) morph(current, next);
  else if (current.data !== next.data) current.data = next.data;
}

function isNamed(node) {
  return Boolean(node.id);
}

function isLike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}
