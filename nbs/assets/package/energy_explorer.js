// Energy surfaces under a knob: `energy_explorer` of `ssl_course.course.widgets` puts this file and a call of it into the
// element that it fills. It loads nothing and needs no id, so two figures on one page don't meet. Where scripts are not
// allowed, the picture `.still` stays. Blank lines and lines of comment are left out of what a notebook stores.
function energyExplorer(data) {
  // JupyterLab runs a copy of the script, which has lost its place: take the last element that is still empty
  const root = document.currentScript?.closest('.energy-explorer')
    || [...document.querySelectorAll('.energy-explorer:not(.live)')].pop();
  if (!root || root.classList.contains('live')) return;
  const N = data.n, W = data.width;

  const make = (tag, to, attrs = {}, text = '') => {
    const e = document.createElement(tag);
    for (const k in attrs) e.setAttribute(k, attrs[k]);
    e.textContent = text;
    to.append(e);
    return e;
  };
  const svg = (to, side) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    e.setAttribute('viewBox', `0 0 ${side} ${side}`);
    to.append(e);
    return e;
  };
  const show = v => v === 0 ? '0' : v >= .0995 ? v.toFixed(2) : String(Number(v.toPrecision(2)));

  // --- the controls: native ones with a label each, which keyboards, screen readers and telephones know ---
  const ui = make('div', root, {class: 'ui'});
  const knobs = make('div', ui, {class: 'knobs'}), maps = make('div', ui, {class: 'maps'});
  const field = text => {
    const label = make('label', knobs);
    return [label, make('span', label, {}, text)];
  };
  const [chooser] = field('What is done: '), select = make('select', chooser);
  data.series.forEach((q, i) => make('option', select, {value: i}, q.label));
  const [strong] = field(''), stretch = make('input', strong, {type: 'checkbox'});
  strong.append('colours and heights of this surface alone');
  const [knobField, knobText] = field(''), knob = make('input', knobField, {type: 'range', min: 0, step: 1});
  const [cutField, cutText] = field('');
  const cut = make('input', cutField, {type: 'range', min: -120, max: 120, step: 5, value: 0});

  // --- the map, with the wheel and the cut drawn over it, and beside it the energies along the cut ---
  const left = make('div', maps), box = make('div', left, {class: 'map'}), right = make('div', maps);
  const canvas = make('canvas', box, {width: N, height: N, role: 'img'}), over = svg(box, N), plot = svg(right, N*8);
  over.setAttribute('aria-hidden', 'true');
  plot.setAttribute('role', 'img');
  make('p', left, {}, `across: x, seen from above; up: y, seen from the side; from \u2212${W} to ${W} radii. `
    + 'Dark: low energy. Dotted: the wheel.');
  make('p', right, {}, 'up: energy; across: y, all of them for this x. Dotted: where the lamp can be.');
  const said = make('p', ui, {'aria-live': 'polite'}), note = make('p', ui);

  // A surface is stored as bytes: 255 times the root of the energy, in parts of the surface's highest one
  const grid = s => {
    const b = atob(s.bytes);
    return Float64Array.from({length: b.length}, (_, i) => (b.charCodeAt(i)/255)**2*s.top);
  };
  // Where a coordinate lies on a map of N pixels
  const at = v => (v+W)/(2*W)*(N-1)+.5;
  const energyAt = (g, x, y) => {
    const u = Math.min(N-1.001, Math.max(0, at(x)-.5)), v = Math.min(N-1.001, Math.max(0, at(y)-.5));
    const i = u|0, j = v|0, a = u-i, b = v-j;
    return (1-b)*((1-a)*g[j*N+i]+a*g[j*N+i+1])+b*((1-a)*g[(j+1)*N+i]+a*g[(j+1)*N+i+1]);
  };
  // The highest energy between -1 and 1: with the box ticked the scale ends there, so that a low surface has a shape, too
  const middle = g => {
    const inside = i => Math.abs(i/(N-1)-.5)*2*W <= 1;
    let m = 1e-12;
    for (let r = 0; r < N; r++) for (let c = 0; c < N; c++) if (inside(r) && inside(c)) m = Math.max(m, g[r*N+c]);
    return m;
  };

  // As many pixels as the surface has; the browser enlarges them smoothly
  const paint = (g, top) => {
    const c = canvas.getContext('2d'), im = c.createImageData(N, N), colors = data.colors;
    for (let r = 0; r < N; r++) for (let q = 0; q < N; q++) {
      const v = Math.min(1, g[(N-1-r)*N+q]/top)*(colors.length-1), i = Math.min(colors.length-2, v|0);
      for (let z = 0; z < 3; z++) im.data[4*(r*N+q)+z] = colors[i][z]+(v-i)*(colors[i+1][z]-colors[i][z]);
      im.data[4*(r*N+q)+3] = 255;
    }
    c.putImageData(im, 0, 0);
  };
  const curve = (g, x, top) => {
    const L = 34, B = 26, R = N*8, w = R-L-6, h = R-B-8;
    const X = y => L+(y+W)/(2*W)*w, Y = e => 8+h*(1-Math.min(1, e/top));
    const points = Array.from({length: 121}, (_, i) => {
      const y = -W+i*W/60;
      return `${X(y).toFixed(1)},${Y(energyAt(g, x, y)).toFixed(1)}`;
    });
    const line = (x1, y1, x2, y2, more = '') =>
      `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="currentColor" ${more}/>`;
    const ticks = [0, .5, 1].map(o => line(L-4, Y(o*top), L, Y(o*top))
      + `<text x="${L-6}" y="${Y(o*top)+4}" text-anchor="end">${show(o*top)}</text>`);
    const yticks = [-1, 0, 1].map(y => line(X(y), 8+h, X(y), 12+h)
      + `<text x="${X(y)}" y="${R-2}" text-anchor="middle">${y}</text>`);
    const lamp = Math.abs(x) <= 1 ? [-Math.sqrt(1-x*x), Math.sqrt(1-x*x)] : [];
    const lamps = lamp.map(y => line(X(y), 8, X(y), 8+h, 'stroke-dasharray="2 4" opacity=".7"'));
    plot.innerHTML = [line(L, 8, L, 8+h), line(L, 8+h, R-6, 8+h), ...ticks, ...yticks, ...lamps].join('')
      + `<polyline points="${points.join(' ')}" fill="none" stroke="#E69F00" stroke-width="3" stroke-linejoin="round"/>`;
  };

  // --- everything is drawn anew whenever something is moved ---
  const draw = () => {
    const q = data.series[select.value], s = q.surfaces[knob.value], v = q.values[knob.value];
    const g = grid(s), x = cut.value/100, top = stretch.checked ? middle(g) : data.top;
    paint(g, top);
    curve(g, x, top);
    over.innerHTML = `<circle cx="${at(0)}" cy="${at(0)}" r="${(N-1)/(2*W)}" fill="none" stroke="#fff" stroke-width=".22" `
      + `stroke-dasharray=".3 .7"/><line x1="${at(x)}" x2="${at(x)}" y1="0" y2="${N}" stroke="#E69F00" stroke-width=".35"/>`;
    knobText.textContent = `${q.knob} = ${v}`;
    knob.setAttribute('aria-valuetext', `${q.knob} ${v}`);
    cutText.textContent = `seen from above: x = ${x.toFixed(2)}`;
    cut.setAttribute('aria-valuetext', x.toFixed(2));
    said.textContent = `${q.knob} ${v}: walls of ${show(s.walls)}; ${(100*s.leak).toFixed(s.leak < .0995 ? 1 : 0)} % `
      + 'of the impossible pairs pass with 95 % of the true ones.';
    note.textContent = q.note;
    canvas.setAttribute('aria-label', `Energy map for ${q.knob} ${v}. ${said.textContent}`);
    plot.setAttribute('aria-label', `Energy against y at x = ${x.toFixed(2)}, `
      + `from ${show(Math.min(...g))} to ${show(Math.max(...g))} on the whole map`);
  };
  const choose = () => {
    const q = data.series[select.value];
    knob.max = q.values.length-1;
    knob.value = q.start;
    draw();
  };
  select.addEventListener('change', choose);
  for (const e of [knob, cut, stretch]) e.addEventListener('input', draw);
  choose();
  root.classList.add('live');
  root.querySelector('.still').style.display = 'none';
}
