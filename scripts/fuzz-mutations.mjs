const bytesOf = (line) => Buffer.from(JSON.stringify(line));
const pick = (size, random) => Math.floor(random() * size);
const oneOf = (list, random) => list[pick(list.length, random)];

function flipBytes(line, random) {
  const bytes = bytesOf(line);
  for (let left = 1 + pick(4, random); left > 0; left--) bytes[pick(bytes.length, random)] = pick(256, random);
  return bytes;
}

function cutShort(line, random) {
  const bytes = bytesOf(line);
  return bytes.subarray(0, pick(bytes.length, random));
}

function doublePiece(line, random) {
  const bytes = bytesOf(line);
  const [from, to] = piece(bytes, random);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
}

function dropPiece(line, random) {
  const bytes = bytesOf(line);
  const [from, to] = piece(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function piece(bytes, random) {
  const from = pick(bytes.length, random);
  return [from, from + pick(Math.min(40, bytes.length - from + 1), random)];
}

const oddValues = [null, true, 0, -1, 1.5, '', 'text', [], {}, [[]], [null], [1, 'a'], { text: 1 }, { content: null }];

/** Gives one value, anywhere in the line, another type. */
function swapType(line, random) {
  const { holder, key } = oneOf(pathsOf(line), random);
  holder[key] = structuredClone(oneOf(oddValues, random));
  return bytesOf(line);
}

function loseKey(line, random) {
  const { holder, key } = oneOf(pathsOf(line), random);
  delete holder[key];
  return bytesOf(line);
}

function pathsOf(holder) {
  return Object.keys(holder).flatMap((key) => {
    const value = holder[key];
    return [{ holder, key }, ...(typeof value === 'object' && value !== null ? pathsOf(value) : [])];
  });
}

function nestDeeply(line, random) {
  const depth = random() < 0.02 ? 100_000 : 10 ** (1 + pick(4, random));
  const [opening, closing] = oneOf(
    [
      ['[', ']'],
      ['{"a":', '}'],
    ],
    random,
  );
  const nested = `${opening.repeat(depth)}1${closing.repeat(depth)}`;
  return replaceValue(line, nested, random);
}

const hugeNumbers = [
  '1e999',
  '-1e999',
  '9007199254740993',
  '9'.repeat(400),
  '1e-999',
  '-0',
  '0.1e',
  '01',
  'NaN',
  'Infinity',
];

const hugeNumber = (line, random) => replaceValue(line, oneOf(hugeNumbers, random), random);

/** Puts JSON text in the place of one value, or beside the others as a key of its own. */
function replaceValue(line, json, random) {
  const keys = Object.keys(line);
  const key = random() < 0.5 ? 'extra' : oneOf(keys, random);
  const marker = 'MARKER';
  return Buffer.from(JSON.stringify({ ...line, [key]: marker }).replace(`"${marker}"`, () => json));
}

const surrogates = [
  String.raw`\ud800`,
  String.raw`\udfff`,
  String.raw`\udc00\ud800`,
  String.raw`\u0000`,
  String.raw`\u2028`,
];

const loneSurrogate = (line, random) => insertIntoText(line, Buffer.from(oneOf(surrogates, random)), random);
const putNul = (line, random) => insert(bytesOf(line), Buffer.from([0]), random);
const putMark = (line, random) => insert(bytesOf(line), Buffer.from('\uFEFF'), random);

const invalidSequences = [
  [0xff],
  [0xc3],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
];

const invalidUtf8 = (line, random) => insertIntoText(line, Buffer.from(oneOf(invalidSequences, random)), random);

function insert(bytes, inserted, random) {
  const at = pick(bytes.length + 1, random);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}

/** Inside the text of the prompt, so that the line stays JSON where the inserted bytes allow it. */
function insertIntoText(line, inserted, random) {
  const bytes = bytesOf(line);
  const start = bytes.indexOf('Candidate: ');
  const at = start + pick('Candidate: '.length, random);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}

function carriageReturns(line, random) {
  const text = JSON.stringify(line);
  return Buffer.from(random() < 0.7 ? `${text}\r` : `\r${text.replace(',', ',\r')}\r\r`);
}

/** Up to a megabyte one time in fifty, else up to ten kilobytes. */
function longText(line, random) {
  const most = random() < 0.02 ? 1_000_000 : 10_000;
  const unit = oneOf(['a', 'word ', '語', '😀', '"', '\\', '{"a":'], random);
  const text = unit.repeat(Math.ceil(pick(most, random) / Buffer.byteLength(unit)));
  return bytesOf({ ...line, prompt: text });
}

/** Ids of the first lines, so that most of them were seen before. */
const duplicateId = (line, random) => withId(line, `fuzz-${1 + pick(100, random)}`);

const oddIds = [
  '',
  ' ',
  'line-7',
  '__proto__',
  'constructor',
  'ünïcode',
  '"quoted"',
  'a\nb',
  'a\tb',
  '\u2028',
  'x'.repeat(5000),
  7,
  null,
  {},
  [],
];

const oddId = (line, random) => withId(line, oneOf(oddIds, random));

function withId(line, id) {
  return bytesOf('custom_id' in line ? { ...line, custom_id: id } : { ...line, id });
}

const blanks = ['', ' ', '\t', '\r', ' \t \r', '\n\n', '\n \n'];
const blankLine = (_line, random) => Buffer.from(oneOf(blanks, random));

const tokens = ['<|im_end|>', '<|im_start|>system', '</s>', '<s>', '<|eot_id|>', '<start_of_turn>', '[INST]'];
const controlTokens = (line, random) => insertIntoText(line, Buffer.from(oneOf(tokens, random)), random);

const notObjects = [
  'null',
  'true',
  '42',
  '"text"',
  '[]',
  '[{"prompt":"a"}]',
  '{}',
  '{',
  '}',
  '""',
  "{'id':1}",
  'undefined',
  '{}{}',
  '//',
  '\u00a0',
];
const notAnObject = (_line, random) => Buffer.from(oneOf(notObjects, random));

/** JSON.parse keeps `__proto__` as a key of its own; careless copying would make it the prototype. */
const prototypeKey = (line) => Buffer.from(JSON.stringify(line).replace('{', '{"__proto__":{"prompt":"polluted"},'));

function brokenLine(line, random) {
  return insert(bytesOf(line), Buffer.from(oneOf(['\n', '\r\n', '\n\r\n', '\u2028', '\u2029'], random)), random);
}

const randomBytes = (_line, random) => Buffer.from(Array.from({ length: pick(300, random) }, () => pick(256, random)));

/** Ways to spoil a request line: each takes the line as an object and a source of random numbers, and returns bytes. */
export const mutations = [
  flipBytes,
  cutShort,
  doublePiece,
  dropPiece,
  swapType,
  nestDeeply,
  hugeNumber,
  loneSurrogate,
  putNul,
  putMark,
  carriageReturns,
  invalidUtf8,
  longText,
  duplicateId,
  oddId,
  blankLine,
  controlTokens,
  notAnObject,
  loseKey,
  prototypeKey,
  brokenLine,
  randomBytes,
];
