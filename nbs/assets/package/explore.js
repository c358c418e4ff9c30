// The page of `ssl-course explore` (ssl_course/explore.py): a map of images that can be moved, with what is known about the chosen
// one. It loads nothing. `data`: names, xy (0 to 10,000), neighbors, sheets (data addresses), side and columns of a sheet, per
// (thumbnails on a sheet), labels and vocab or null, guess and sure or null, lists [{name, about, groups}], palette.
async function explore(data) {
  const n = data.names.length, side = data.side, $ = s => document.querySelector(s);
  const sheets = await Promise.all(data.sheets.map(async src => {
    const im = new Image();
    im.src = src;
    await im.decode();
    return im;
  }));
  $('main').hidden = false;
  const canvas = $('.map canvas'), ctx = canvas.getContext('2d');
  const view = {k: 1, x: 0, y: 0}; // zoom, and where the middle of the window is on the map (0 to 1)
  let chosen = -1, list = data.lists[0], marked = new Map(), w = 0, h = 0, fit = 1, thumb = 16, placed = [], drawn = new Set(), waiting = false;
  const px = i => data.xy[2*i]/1e4, py = i => data.xy[2*i+1]/1e4;
  const color = i => data.labels && data.labels[i] >= 0 ? data.palette[data.labels[i]%data.palette.length] : '#888';
  const paint = (to, i, x, y, s) => {
    const at = i%data.per;
    to.drawImage(sheets[Math.floor(i/data.per)], at%data.columns*side, Math.floor(at/data.columns)*side, side, side, x, y, s, s);
  };

  // Which thumbnails are drawn at this zoom: none covers another; the chosen and the marked come first
  const place = () => {
    thumb = Math.min(96, Math.max(18, .8*Math.sqrt(w*h/n))*view.k**.8);
    const cell = thumb/(fit*view.k), there = new Map(), key = (a, b) => `${a},${b}`;
    const first = chosen < 0 ? [...marked.keys()] : [chosen, ...data.neighbors[chosen], ...marked.keys()];
    const seen = new Set();
    placed = [];
    const put = i => {
      if (seen.has(i)) return;
      seen.add(i);
      const a = Math.floor(px(i)/cell), b = Math.floor(py(i)/cell);
      for (let u = a-1; u <= a+1; u++) for (let v = b-1; v <= b+1; v++) {
        const o = there.get(key(u, v));
        if (o !== undefined && Math.abs(px(o)-px(i)) < cell && Math.abs(py(o)-py(i)) < cell) return;
      }
      there.set(key(a, b), i);
      placed.push(i);
    };
    first.forEach(put);
    for (let i = 0; i < n; i++) put(i);
    drawn = new Set(placed);
  };
  const sx = i => (px(i)-view.x)*fit*view.k+w/2, sy = i => (py(i)-view.y)*fit*view.k+h/2;
  const draw = () => {
    waiting = false;
    const d = devicePixelRatio || 1;
    ctx.setTransform(d, 0, 0, d, 0, 0);
    ctx.clearRect(0, 0, w, h);
    ctx.imageSmoothingEnabled = thumb < side;
    const ink = getComputedStyle(document.body).color, inside = (x, y) => x > -thumb && y > -thumb && x < w+thumb && y < h+thumb;
    ctx.globalAlpha = .8;
    for (let i = 0; i < n; i++) {
      const x = sx(i), y = sy(i);
      if (!inside(x, y)) continue;
      ctx.fillStyle = color(i);
      ctx.fillRect(x-2, y-2, 4, 4);
    }
    ctx.globalAlpha = 1;
    const near = chosen < 0 ? [] : data.neighbors[chosen];
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1;
    for (const j of near) { ctx.beginPath(); ctx.moveTo(sx(chosen), sy(chosen)); ctx.lineTo(sx(j), sy(j)); ctx.stroke(); }
    for (let k = placed.length-1; k >= 0; k--) {
      const i = placed[k], x = sx(i)-thumb/2, y = sy(i)-thumb/2;
      if (!inside(x, y)) continue;
      paint(ctx, i, x, y, thumb);
      if (data.labels) { ctx.strokeStyle = color(i); ctx.lineWidth = 2; ctx.strokeRect(x+1, y+1, thumb-2, thumb-2); }
    }
    const ring = (i, width, style) => { // around a thumbnail, or around a dot
      const half = drawn.has(i) ? thumb/2+1 : 4;
      ctx.strokeStyle = style;
      ctx.lineWidth = width;
      ctx.strokeRect(sx(i)-half, sy(i)-half, 2*half, 2*half);
    };
    const mark = getComputedStyle(document.documentElement).getPropertyValue('--ring');
    ctx.font = '12px system-ui, sans-serif';
    for (const [i, text] of marked) {
      if (!drawn.has(i) || thumb < 26) { ring(i, 2, mark); continue; } // no room for a number
      const x = sx(i)-thumb/2, y = sy(i)+thumb/2, wide = ctx.measureText(text).width+6;
      ctx.fillStyle = '#000b';
      ctx.fillRect(x, y-14, wide, 14);
      ctx.fillStyle = '#fff';
      ctx.fillText(text, x+3, y-3);
    }
    near.forEach(j => ring(j, 2, ink));
    if (chosen >= 0) ring(chosen, 4, mark);
  };
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };
  const size = () => {
    w = canvas.clientWidth;
    h = canvas.clientHeight;
    const d = devicePixelRatio || 1;
    canvas.width = w*d;
    canvas.height = h*d;
    fit = Math.max(50, Math.min(w, h)-60);
    place();
    later();
  };
  const zoom = (by, x, y) => { // the place under (x, y) stays there: by default the chosen image, or the middle
    const seen = chosen >= 0 && sx(chosen) > 0 && sy(chosen) > 0 && sx(chosen) < w && sy(chosen) < h;
    x ??= seen ? sx(chosen) : w/2;
    y ??= seen ? sy(chosen) : h/2;
    const old = view.k;
    view.k = by ? Math.min(60, Math.max(.7, view.k*by)) : 1;
    if (!by) { view.x = view.y = .5; }
    else for (const [a, at, mid] of [['x', x, w/2], ['y', y, h/2]]) view[a] += (at-mid)/fit*(1/old-1/view.k);
    place();
    later();
  };

  const name = i => {
    const parts = [data.names[i]];
    if (data.labels && data.labels[i] >= 0) parts.push(`class ${data.vocab[data.labels[i]]}`);
    if (data.guess) parts.push(`looks like ${data.guessed[data.guess[i]]} (${data.sure[i]}\u00a0%)`);
    return parts.join(' · ');
  };
  const picture = i => {
    const c = document.createElement('canvas');
    c.width = c.height = side;
    if (side < 64) c.className = 'small';
    paint(c.getContext('2d'), i, 0, 0, side);
    return c;
  };
  // Thumbnails as buttons, with a number on each if `number` (of its position) says one
  const pictures = (ids, number, ordered) => {
    const ul = document.createElement(ordered ? 'ol' : 'ul');
    ul.className = 'pictures';
    ids.forEach((i, k) => {
      const li = document.createElement('li'), b = document.createElement('button');
      b.type = 'button';
      b.title = name(i);
      b.dataset.image = i;
      b.setAttribute('aria-label', (number ? `${number(k)}: ` : '')+name(i));
      b.append(picture(i));
      if (number) { const no = document.createElement('b'); no.textContent = number(k); b.append(no); }
      b.addEventListener('click', () => choose(i, true));
      li.append(b);
      ul.append(li);
    });
    return ul;
  };
  const choose = (i, move) => {
    chosen = i;
    const x = sx(i), y = sy(i);
    if (move && (x < thumb || y < thumb || x > w-thumb || y > h-thumb)) { view.x = px(i); view.y = py(i); }
    $('.said').textContent = name(i);
    const near = pictures(data.neighbors[i]);
    near.setAttribute('aria-label', 'the most similar images');
    $('.chosen').replaceChildren(picture(i), near);
    for (const b of document.querySelectorAll('.list [data-image]')) b.setAttribute('aria-current', Number(b.dataset.image) === i);
    place();
    later();
  };
  const show = which => {
    list = data.lists[which];
    $('.about').textContent = list.about;
    marked = new Map();
    const number = (k, j) => String((list.ordered ? j : k)+1); // its own, or that of its group
    list.groups.forEach((g, k) => g.forEach((i, j) => marked.set(i, number(k, j))));
    $('.list').replaceChildren(...list.groups.map((g, k) => pictures(g, j => number(k, j), list.ordered)));
    place();
    later();
  };

  // What the pointer is on: a thumbnail, else the nearest dot
  const hit = (x, y) => {
    for (const i of placed) if (Math.abs(sx(i)-x) < thumb/2 && Math.abs(sy(i)-y) < thumb/2) return i;
    let best = -1, close = 15;
    for (let i = 0; i < n; i++) { const d = Math.hypot(sx(i)-x, sy(i)-y); if (d < close) { close = d; best = i; } }
    return best;
  };
  const down = new Map();
  let moved = 0;
  const where = e => { const r = canvas.getBoundingClientRect(); return [e.clientX-r.left, e.clientY-r.top]; };
  canvas.addEventListener('pointerdown', e => { canvas.setPointerCapture(e.pointerId); down.set(e.pointerId, where(e)); if (down.size === 1) moved = 0; });
  canvas.addEventListener('pointermove', e => {
    if (!down.has(e.pointerId)) return;
    const old = down.get(e.pointerId), now = where(e), other = [...down].find(([k]) => k !== e.pointerId)?.[1];
    down.set(e.pointerId, now);
    moved += Math.hypot(now[0]-old[0], now[1]-old[1]);
    const part = other ? 2 : 1; // of two fingers each moves the map by half
    view.x -= (now[0]-old[0])/(fit*view.k*part);
    view.y -= (now[1]-old[1])/(fit*view.k*part);
    if (!other) return later();
    const apart = p => Math.max(20, Math.hypot(p[0]-other[0], p[1]-other[1]));
    zoom(apart(now)/apart(old), (now[0]+other[0])/2, (now[1]+other[1])/2);
  });
  const up = e => {
    const [x, y] = where(e), click = e.type === 'pointerup' && down.size === 1 && moved < 6;
    down.delete(e.pointerId);
    if (!click) return;
    const i = hit(x, y);
    if (i >= 0) choose(i, false);
  };
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('wheel', e => { e.preventDefault(); zoom(2**(-e.deltaY/400), ...where(e)); }, {passive: false});
  for (const b of document.querySelectorAll('.tools button')) b.addEventListener('click', () => zoom(Number(b.dataset.zoom)));

  // Arrows go to the nearest image in that direction
  const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const step = ([dx, dy]) => {
    let best = -1, least = Infinity;
    const [x, y] = chosen < 0 ? [view.x, view.y] : [px(chosen), py(chosen)];
    for (let i = 0; i < n; i++) {
      const a = px(i)-x, b = py(i)-y, along = a*dx+b*dy, cost = Math.hypot(a, b)+2*Math.abs(a*dy-b*dx);
      if (i !== chosen && (chosen < 0 || along > 0) && cost < least) { least = cost; best = i; }
    }
    if (best >= 0) choose(best, true);
  };
  canvas.addEventListener('keydown', e => {
    if (arrows[e.key]) step(arrows[e.key]);
    else if (e.key === '+' || e.key === '=') zoom(1.5);
    else if (e.key === '-') zoom(1/1.5);
    else if (e.key === '0') zoom(0);
    else return;
    e.preventDefault();
  });

  canvas.setAttribute('aria-label', `Map of ${n} images; similar ones are neighbors. Arrow keys go from image to image, plus and minus zoom, 0 shows all.`);
  $('.said').textContent = 'Click an image, or press the arrow keys on the map: its most similar images appear here. Wheel or two fingers zoom.';
  if (data.vocab) data.vocab.forEach((v, i) => {
    const s = document.createElement('span'), dot = document.createElement('i');
    dot.style.background = data.palette[i%data.palette.length];
    s.append(dot, v);
    $('.legend').append(s);
  });
  data.lists.forEach((l, i) => $('.what select').append(new Option(l.name, i)));
  $('.what select').addEventListener('change', e => show(Number(e.target.value)));
  view.x = view.y = .5;
  show(0);
  size();
  new ResizeObserver(size).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', later);
  document.documentElement.dataset.ready = 'yes'; // for tests
}
