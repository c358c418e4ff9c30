// Bars under switches: `switch_explorer` of `ssl_course.course.widgets` puts this file and a call of it into the element
// that it fills. It loads nothing and needs no id, so two figures on one page don't meet. Where scripts are not allowed,
// the table `.still` stays. Blank lines and lines of comment are left out of what a notebook stores.
function switchExplorer(data) {
  // JupyterLab runs a copy of the script, which has lost its place: take the last element that is still empty
  const root = document.currentScript?.closest('.switch-explorer')
    || [...document.querySelectorAll('.switch-explorer:not(.live)')].pop();
  if (!root || root.classList.contains('live')) return;
  const make = (tag, to, attrs = {}, text = '') => {
    const e = document.createElement(tag);
    for (const k in attrs) e.setAttribute(k, attrs[k]);
    e.textContent = text;
    to.append(e);
    return e;
  };
  const [one, two] = data.groups, bars = one.bars+two.bars, last = data.moments.length-1;

  // --- the controls: native ones with a label each, which keyboards, screen readers and telephones know ---
  const ui = make('div', root, {class: 'ui'}), knobs = make('div', ui, {class: 'knobs'});
  const boxes = data.switches.map(name => {
    const label = make('label', knobs), box = make('input', label, {type: 'checkbox'});
    box.checked = name !== data.off;
    make('span', label, {}, name);
    return box;
  });
  const slide = make('label', ui, {class: 'slide'}), said = make('span', slide);
  const knob = make('input', slide, {type: 'range', min: 0, max: last, step: 1, value: last});
  const plot = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  plot.setAttribute('viewBox', '0 0 640 202');
  plot.setAttribute('role', 'img');
  ui.append(plot);
  const names = make('div', ui, {class: 'names'});
  for (const g of [one, two]) make('span', names, {style: `flex:${g.bars}`}, g.name);
  const result = make('p', ui, {'aria-live': 'polite'});

  const bits = () => boxes.map(b => b.checked ? '1' : '0').join('');
  const frame = (key, i) => data.runs[key].slice(i*bars, (i+1)*bars).map(v => (v/data.scale)**2);
  const draw = () => {
    const v = frame(bits(), knob.value), sum = a => a.reduce((x, y) => x+y, 0), all = sum(v);
    const first = sum(v.slice(0, one.bars)), w = 640/bars, H = 196;
    const bar = (x, i) => {
      const h = Math.min(1, x/data.top)*H;
      return `<rect x="${(i*w+w*.12).toFixed(1)}" y="${(H+4-h).toFixed(1)}" width="${(w*.76).toFixed(1)}" `
        + `height="${h.toFixed(1)}" fill="${i < one.bars ? one.color : two.color}"/>`;
    };
    plot.innerHTML = v.map(bar).join('') + `<line x1="0" y1="${H+4}" x2="640" y2="${H+4}" stroke="currentColor"/>`;
    said.textContent = `after step ${data.moments[knob.value]}`;
    knob.setAttribute('aria-valuetext', said.textContent);
    const share = all > .001 ? `, ${Math.round(100*first/all)} % of it on the ${one.name} ones` : ': everything has collapsed';
    result.textContent = `Squared weights: ${all > .001 ? all.toFixed(2) : '0.00'} in all${share}.`;
    plot.setAttribute('aria-label', `${said.textContent}. ${result.textContent}`);
  };
  // A switch can need another one: a slow copy never gets a gradient
  const changed = i => {
    for (const [a, b] of data.needs) {
      if (boxes[a].checked && i === a) boxes[b].checked = true;
      if (!boxes[b].checked && i === b) boxes[a].checked = false;
    }
    play();
  };
  // Show the whole training, unless the reader wants no movement
  let timer;
  const play = () => {
    clearInterval(timer);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) knob.value = last;
    else {
      knob.value = 0;
      timer = setInterval(() => {
        if (+knob.value >= last) return clearInterval(timer);
        knob.value = +knob.value+1;
        draw();
      }, 60);
    }
    draw();
  };
  boxes.forEach((b, i) => b.addEventListener('change', () => changed(i)));
  knob.addEventListener('input', () => { clearInterval(timer); draw(); });
  draw();
  root.classList.add('live');
  root.querySelector('.still').style.display = 'none';
}
