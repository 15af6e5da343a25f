// Views that are zoomed and moved together: the same place of the frame, at the same share of its size.

/** Links views; the result takes another one in. */
export function link(views) {
  let isFollowing = false;
  const linked = [];

  function lead(view) {
    if (isFollowing || !view.item) return;
    isFollowing = true;
    const { viewport } = view.osd;
    const zoom = viewport.getZoom() / viewport.getHomeZoom();
    const home = viewport.getHomeBounds();
    const centre = viewport.getCenter();
    const share = { x: (centre.x - home.x) / home.width, y: (centre.y - home.y) / home.height };
    for (const other of linked) if (other !== view && other.item) follow(other, zoom, share);
    isFollowing = false;
  }

  function follow(view, zoom, share) {
    const { viewport } = view.osd;
    const home = viewport.getHomeBounds();
    viewport.zoomTo(viewport.getHomeZoom() * zoom);
    viewport.panTo(centreOf(home, share));
  }

  function add(view) {
    linked.push(view);
    for (const event of ["zoom", "pan"]) view.osd.addHandler(event, () => lead(view));
    if (linked.length > 1) view.osd.addOnceHandler("open", () => lead(linked[0]));
  }

  views.forEach(add);
  return {
    add,
    remove: (view) => linked.splice(linked.indexOf(view), 1),
  };
}

function centreOf(home, share) {
  const { Point } = window.OpenSeadragon;
  return new Point(home.x + share.x * home.width, home.y + share.y * home.height);
}
