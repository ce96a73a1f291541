// The original BodyPix 2 as a peer of `bodypix bench --compare`.
//
//   node body_pix.cjs FOLDER        # FOLDER holds node_modules, or a folder above it does; then NODE_PATH
//
// Reads one JSON object per line, and answers each with one:
//   {"model": JSON, "architecture", "multiplier", "outputStride", "quantBytes", "threads"} -> {"versions": {...}}
//   {"image": FILE of rows of R, G, B bytes, "width", "height"}                           -> {}
//   {"call": OPTIONS of segmentMultiPersonParts}                            -> {"ms": of the call, "people": n}
// or with {"error": TEXT}.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { createRequire } = require('module');

const answers = process.stdout.write.bind(process.stdout);
console.log = console.info = console.error; // libraries' talk is not an answer

const from = createRequire(path.join(path.resolve(process.argv[2] || '.'), 'any.js'));
let tf, wasm, bodyPix, net, pixels;

// Where a package lies, and which version it is. Asking for its package.json would fail where it exports none.
function installed(name) {
  for (let folder = path.dirname(from.resolve(name)); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    const about = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : {};
    if (about.name === name) return { folder, version: about.version };
  }
  throw new Error(`${name} has no package.json`);
}

// Its integer matrix product is missing in WebAssembly: the float one does the same for small whole numbers.
function multiplyIntegersAsFloats() {
  const product = tf.getKernel('BatchMatMul', 'wasm');
  tf.unregisterKernel('BatchMatMul', 'wasm');
  tf.registerKernel({
    ...product,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const floats = Object.fromEntries(['a', 'b'].map((name) => [name, tf.cast(inputs[name], 'float32')]));
      return product.kernelFunc({ inputs: floats, backend, attrs });
    },
  });
}

function checkpoint(file) {
  const { modelTopology, format, weightsManifest } = JSON.parse(fs.readFileSync(file));
  const shards = weightsManifest.flatMap((group) => group.paths);
  const data = new Uint8Array(Buffer.concat(shards.map((name) => fs.readFileSync(path.join(path.dirname(file), name)))));
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return { load: async () => ({ modelTopology, format, weightSpecs, weightData: data.buffer }) };
}

async function start({ model, threads, ...kind }) {
  tf = from('@tensorflow/tfjs-core');
  wasm = from('@tensorflow/tfjs-backend-wasm');
  bodyPix = from('@tensorflow-models/body-pix');
  const binaries = installed('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(path.join(binaries.folder, 'dist') + path.sep);
  wasm.setThreadsCount(threads); // a wish: in Node versions up to 4.22 stay with one thread, whatever is asked for
  if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend of TensorFlow.js does not start');
  await tf.ready();
  multiplyIntegersAsFloats();
  net = await bodyPix.load({ ...kind, modelUrl: checkpoint(model) });
  return {
    versions: {
      node: process.versions.node,
      'body-pix': installed('@tensorflow-models/body-pix').version,
      'tfjs-backend-wasm': binaries.version,
      threads: wasm.getThreadsCount(),
    },
  };
}

function show({ image, width, height }) {
  if (pixels) pixels.dispose();
  pixels = tf.tensor3d(Int32Array.from(fs.readFileSync(image)), [height, width, 3], 'int32');
  return {};
}

async function call(options) {
  const started = performance.now();
  const people = await net.segmentMultiPersonParts(pixels, options);
  return { ms: performance.now() - started, people: people.length };
}

async function answer(line) {
  const request = JSON.parse(line);
  if (request.model) return start(request);
  return request.image ? show(request) : call(request.call);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let reply;
    try {
      reply = await answer(line);
    } catch (error) {
      reply = { error: String(error.message || error).split('\n')[0] };
    }
    answers(JSON.stringify(reply) + '\n');
  }
  process.exit(0);
})();
