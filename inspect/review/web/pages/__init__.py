"""The pages: one module each, which exports ``routes``.

To add a page ``/wall``:

1. Write ``pages/wall.py``. Handlers are plain functions of a :class:`~..visit.Visit`; they may block::

    from starlette.responses import Response

    from taktsight.inspect.review.people.roles import May
    from taktsight.inspect.review.web.routes import get, post
    from taktsight.inspect.review.web.visit import Visit

    def show(visit: Visit) -> Response:
        return visit.page("wall.html", parts=visit.bench.index.newest(40))

    def tell(visit: Visit) -> Response:
        visit.bench.store.note(visit.name, "wall.told", "wall", "", visit.form.text("what"), "")
        return visit.go("/wall", visit.words.gettext("Told."))

    routes = [get("/wall", May.SEE, show), post("/wall", May.DECIDE, tell)]

2. Write ``templates/wall.html``::

    {% extends "base.html" %}
    {% from "macros.html" import badge, table, field %}
    {% block title %}{% trans %}Wall{% endtrans %}{% endblock %}
    {% block main %} … {% endblock %}
    {% block scripts %}<script type="module" src="{{ asset('js/wall.js') }}"></script>{% endblock %}

   A form carries ``{{ token(visit) }}``. What a script says stands in ``data-`` attributes of the template,
   so that it is translated. Style sheets go into ``static/css/``; link them in ``{% block styles %}``.
   A page with charts links ``vendor/uPlot.min.css`` there, and in its scripts
   ``vendor/uPlot.iife.min.js`` (``defer``) and ``js/charts.js``; ``chart`` of the macros does the rest.

3. Add its ``routes`` to ``PAGES`` below. Its place in the navigation is in ``navigation.py``.

4. Put its German and Chinese into ``locales/de/wall.po`` and ``locales/zh/wall.po``:
   ``python -m taktsight.inspect.review.web.catalogues`` prints what is missing, ready to be filled in.
"""

from __future__ import annotations

from taktsight.inspect.review.web.pages import (
    audit,
    bench_api,
    bench_page,
    help_page,
    live,
    log_page,
    login,
    models,
    parts_page,
    people,
    picture_files,
    preferences,
    quality,
    review_queue,
    stations,
    studies,
    wall,
)
from taktsight.inspect.review.web.routes import Page

PAGES: tuple[Page, ...] = (
    *login.routes,
    *wall.routes,
    *live.routes,
    *stations.routes,
    *parts_page.routes,
    *models.routes,
    *help_page.routes,
    *log_page.routes,
    *people.routes,
    *preferences.routes,
    *quality.routes,
    *audit.routes,
    *studies.routes,
    *review_queue.routes,
    *bench_page.routes,
    *bench_api.routes,
    *picture_files.routes,
)
