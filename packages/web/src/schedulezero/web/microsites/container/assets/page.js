// What every page loads. Each page is whole without it.
import "./elements/connection-status.js";
import "./elements/copy-button.js";
import "./elements/sz-flash.js";
import "./elements/sz-nav.js";
import "./times.js";
import "./live.js";
import "./regions.js";
import "./navigation.js";
