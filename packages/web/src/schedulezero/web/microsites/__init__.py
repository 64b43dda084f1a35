"""The pages, a folder for each microsite; one that is put here takes part, with no other being touched.

The package of a microsite defines `SITE`; its templates are in `templates/`, its assets in `assets/`.
"""

from importlib import import_module
from pkgutil import iter_modules

from schedulezero.web.microsites.site import Microsite


def discover() -> tuple[Microsite, ...]:
    """Return the microsites in the order of the navigation."""
    folders = (module.name for module in iter_modules(__path__) if module.ispkg)
    sites = (import_module(f"{__name__}.{folder}").SITE for folder in folders)
    return tuple(sorted(sites, key=lambda site: (site.order, site.name)))
