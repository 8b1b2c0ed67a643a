// Two pictures compared on a canvas: their difference, one over the other, or one after the other.

const SIDE = 256;
const SLOW = 700; // milliseconds of each picture in turn

export async function compare(canvas, first, second, gain) {
  const [a, b] = await Promise.all([pixels(first), pixels(second)]);
  const context = canvas.getContext("2d");
  let view = "difference";
  let timer = 0;

  function draw(make) {
    const out = context.createImageData(SIDE, SIDE);
    for (let at = 0; at < out.data.length; at += 4) {
      for (let channel = at; channel < at + 3; channel += 1) out.data[channel] = make(channel);
      out.data[at + 3] = 255;
    }
    context.putImageData(out, 0, 0);
  }

  function flicker() {
    let shown = a;
    const next = () => {
      draw((at) => shown[at]);
      shown = shown === a ? b : a;
    };
    next();
    timer = setInterval(next, SLOW);
  }

  function show() {
    clearInterval(timer);
    const times = Number(gain.value);
    if (view === "flicker") flicker();
    else if (view === "overlay") draw((at) => (a[at] + b[at]) / 2);
    else draw((at) => Math.min(255, times * Math.abs(a[at] - b[at])));
  }

  gain.addEventListener("input", show);
  show();
  return (wanted) => {
    view = wanted;
    show();
  };
}

// Both are squashed into one square, as the distances of pixels are taken.
async function pixels(image) {
  await image.decode();
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, SIDE, SIDE);
  return context.getImageData(0, 0, SIDE, SIDE).data;
}
