// The reader does a pretext task: `play_task` of `ssl_course.course.play` puts this file and a call of it into the element
// that it fills. It loads nothing and needs no id, so two games on one page don't meet. Where scripts are not allowed, what
// stands in `.still` stays: the pictures, and what everybody answered.
function playTask(data) {
  // JupyterLab runs a copy of the script, which has lost its place: take the last element that is still empty
  const root = document.currentScript?.closest('.play-task')
    || [...document.querySelectorAll('.play-task:not(.live)')].pop();
  if (!root || root.classList.contains('live')) return;
  root.classList.add('live');

  const make = (tag, to, attrs = {}, text = '') => {
    const e = document.createElement(tag);
    for (const k in attrs) e.setAttribute(k, attrs[k]);
    e.textContent = text;
    to.append(e);
    return e;
  };
  // Picture number i of the sheet, which is one row of squares
  const picture = (to, i, attrs = {}) => {
    const e = make('span', to, {class: 'picture', role: 'img', ...attrs});
    e.style.backgroundImage = `url(${data.sheet})`;
    e.style.backgroundSize = `${100*data.pictures}% 100%`;
    e.style.backgroundPosition = `${data.pictures > 1 ? 100*i/(data.pictures-1) : 0}% 0`;
    return e;
  };
  const rounds = data.rounds, n = rounds.length, mine = [];
  const right = answers => answers.filter((a, i) => a === rounds[i].answer).length;

  const ui = make('div', root, {class: 'ui'});
  const head = make('p', ui, {class: 'head'}), stage = make('div', ui, {class: 'stage'});
  const buttons = make('div', ui, {class: 'options'}), said = make('p', ui, {'aria-live': 'polite', class: 'said'});
  const next = make('button', ui, {type: 'button', class: 'next'}, 'Next');

  const ask = () => {
    const r = rounds[mine.length];
    head.textContent = `${mine.length+1} of ${n}: ${data.question}`;
    stage.replaceChildren(), buttons.replaceChildren();
    said.textContent = '';
    next.hidden = true;
    for (const i of r.shown) picture(stage, i, {'aria-label': data.label});
    r.options.forEach((o, k) => {
      const b = make('button', buttons, {type: 'button'});
      if (o.picture !== undefined) picture(b, o.picture, {'aria-label': o.text});
      else b.textContent = o.text;
      b.addEventListener('click', () => answer(k, b));
    });
  };
  const answer = (k, button) => {
    const r = rounds[mine.length], good = k === r.answer;
    if (!next.hidden) return;
    mine.push(k);
    [...buttons.children].forEach((b, i) => {
      b.disabled = true;
      if (i === r.answer) b.classList.add('good');
    });
    if (!good) button.classList.add('bad');
    if (r.turn !== undefined) stage.firstChild.style.transform = `rotate(${r.turn}deg)`; // put it right
    const others = Object.entries(data.players).map(([who, a]) =>
      `${who}: ${a[mine.length-1] === r.answer ? '✓' : `✗ ${r.options[a[mine.length-1]].text}`}`);
    said.textContent = `${good ? '✓ Right.' : `✗ No: ${r.options[r.answer].text}.`} ${others.join(' · ')}`;
    next.textContent = mine.length < n ? 'Next' : 'See the score';
    next.hidden = false;
    next.focus({preventScroll: true});
  };
  const score = () => {
    head.textContent = 'The score';
    stage.replaceChildren(), buttons.replaceChildren();
    said.textContent = '';
    const list = make('ol', stage, {class: 'score'});
    const rows = [['You', right(mine)], ...Object.entries(data.players).map(([w, a]) => [w, right(a)]), ['Guessing', n*data.chance]];
    rows.sort((a, b) => b[1]-a[1]).forEach(([who, k]) => {
      const row = make('li', list, who === 'You' ? {class: 'you'} : {});
      make('span', row, {}, who);
      make('meter', row, {min: 0, max: n, value: k, 'aria-hidden': 'true'});
      make('b', row, {}, `${Number(k.toFixed(1))} of ${n}`);
    });
    next.textContent = 'Again';
    mine.length = 0;
    done = true;
  };
  let done = false;
  next.addEventListener('click', () => {
    if (done) { done = false; ask(); buttons.firstChild.focus({preventScroll: true}); }
    else if (mine.length === n) score();
    else { ask(); buttons.firstChild.focus({preventScroll: true}); }
  });
  // Keys 1 to 9 answer, too
  ui.addEventListener('keydown', e => {
    const b = buttons.children[Number(e.key)-1];
    if (b && !b.disabled) b.click();
  });
  ask();
}
