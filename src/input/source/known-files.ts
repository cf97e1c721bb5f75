import { UsageError } from '../../core/errors.ts';
import { type FileName, inShell, runPiped } from './file-name.ts';

/** A kind of file that is no input, and the way to make one of it. */
interface Kind {
  /** With its article: `a zip archive`. */
  what: string;
  /** Bytes at `at` (0 where it is not given), as latin1. */
  magic: string;
  at?: number;
  /** The file must also hold this near its beginning. */
  holds?: string;
  mend: string | ((file: string, run: string) => string);
}

const saveAsCsv = 'Save it as "CSV UTF-8", and give that file.';
const unpackedBy =
  (program: string) =>
  (file: string, run: string): string =>
    `Unpack it in a pipe: ${program} ${file} | ${run}`;
const fromArchive =
  (program: string) =>
  (file: string, run: string): string =>
    `Take the one file out of it: ${program} ${file} NAME | ${run}`;
const byPython =
  (read: string) =>
  (file: string): string =>
    `Write it as JSONL first, for example: python3 -c "import pandas; pandas.${read}('${file}').to_json('rows.jsonl', orient='records', lines=True, date_format='iso')"`;
const noText = 'Give a file of requests: JSONL, CSV, Parquet or plain text.';

/** The first that fits names the file. */
const kinds: readonly Kind[] = [
  { what: 'an Excel workbook (XLSX)', magic: 'PK\x03\x04', holds: 'xl/', mend: saveAsCsv },
  { what: 'an OpenDocument sheet', magic: 'PK\x03\x04', holds: 'opendocument.spreadsheet', mend: saveAsCsv },
  { what: 'a Word document', magic: 'PK\x03\x04', holds: 'word/', mend: noText },
  { what: 'a zip archive', magic: 'PK\x03\x04', mend: unpackedBy('unzip -p') },
  { what: 'an empty zip archive', magic: 'PK\x05\x06', mend: noText },
  {
    what: 'an old Office file, such as an Excel workbook (XLS)',
    magic: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    mend: saveAsCsv,
  },
  { what: 'packed with zstd', magic: '\x28\xb5\x2f\xfd', mend: unpackedBy('zstdcat') },
  { what: 'packed with bzip2', magic: 'BZh', holds: '1AY&SY', mend: unpackedBy('bzcat') },
  { what: 'packed with xz', magic: '\xfd7zXZ\x00', mend: unpackedBy('xzcat') },
  { what: 'packed with lz4', magic: '\x04\x22\x4d\x18', mend: unpackedBy('lz4 -dc') },
  { what: 'packed with lzip', magic: 'LZIP\x01', mend: unpackedBy('lzip -dc') },
  { what: 'packed with compress', magic: '\x1f\x9d', mend: unpackedBy('zcat') },
  { what: 'packed with snappy', magic: '\xff\x06\x00\x00sNaPpY', mend: unpackedBy('snzip -dc') },
  { what: 'a 7z archive', magic: '7z\xbc\xaf\x27\x1c', mend: unpackedBy('7z x -so') },
  { what: 'a RAR archive', magic: 'Rar!\x1a\x07', mend: unpackedBy('unrar p -inul') },
  { what: 'a tar archive', magic: 'ustar', at: 257, mend: fromArchive('tar -xOf') },
  { what: 'an encrypted Parquet file', magic: 'PARE', mend: 'Write it again without encryption.' },
  { what: 'an Arrow file (Feather)', magic: 'ARROW1', mend: byPython('read_feather') },
  { what: 'a Feather file', magic: 'FEA1', mend: byPython('read_feather') },
  { what: 'a stream of Arrow', magic: '\xff\xff\xff\xff', mend: 'Write it as Parquet or JSONL first.' },
  {
    what: 'an Avro file',
    magic: 'Obj\x01',
    mend: (file, run) => `Write it as JSONL: avro-tools tojson ${file} | ${run}`,
  },
  { what: 'an ORC file', magic: 'ORC', mend: byPython('read_orc') },
  {
    what: 'an SQLite database',
    magic: 'SQLite format 3\x00',
    mend: (file, run) =>
      `Take a table out of it: sqlite3 -csv -header ${file} 'select * from TABLE' | ${run} --format csv`,
  },
  {
    what: 'a DuckDB database',
    magic: 'DUCK',
    at: 8,
    mend: (file, run) => `Take a table out of it: duckdb ${file} -csv -c 'select * from TABLE' | ${run} --format csv`,
  },
  { what: 'an HDF5 file', magic: '\x89HDF\r\n', mend: byPython('read_hdf') },
  { what: 'a NumPy array', magic: '\x93NUMPY', mend: 'Write it as JSONL or CSV first.' },
  { what: 'a Python pickle', magic: '\x80\x02', mend: byPython('read_pickle') },
  { what: 'a Python pickle', magic: '\x80\x03', mend: byPython('read_pickle') },
  { what: 'a Python pickle', magic: '\x80\x04\x95', mend: byPython('read_pickle') },
  { what: 'a Python pickle', magic: '\x80\x05\x95', mend: byPython('read_pickle') },
  { what: 'a GGUF model', magic: 'GGUF', mend: 'A model is named with -m; the input is a file of requests.' },
  {
    what: 'a safetensors model',
    magic: '\x00\x00\x00\x00\x00\x00{"',
    at: 2,
    mend: 'A model is named with -m; the input is a file of requests.',
  },
  { what: 'a PDF', magic: '%PDF-', mend: (file) => `Take its text out first: pdftotext ${file} -` },
  { what: 'an RTF document', magic: '{\\rtf', mend: 'Save it as plain text (UTF-8).' },
  { what: 'a PNG image', magic: '\x89PNG', mend: noText },
  { what: 'a JPEG image', magic: '\xff\xd8\xff', mend: noText },
  { what: 'a GIF image', magic: 'GIF8', mend: noText },
  { what: 'a program', magic: '\x7fELF', mend: noText },
  {
    what: 'a pointer of Git LFS, not the file itself',
    magic: 'version https://git-lfs.github.com/spec/',
    mend: 'Fetch the file: git lfs pull',
  },
];

/** How far into the file `holds` is looked for. */
const nearBytes = 64 * 1024;

/** Refuses a file that is known by its first bytes and is no input, with the command that makes one of it. */
export function refuseKnown(head: Buffer, file: FileName): void {
  const text = head.subarray(0, nearBytes).toString('latin1');
  const kind = kinds.find(({ magic, at = 0, holds = '' }) => text.startsWith(magic, at) && text.includes(holds));
  if (kind === undefined) return;
  const { what, mend } = kind;
  const hint = typeof mend === 'string' ? mend : mend(inShell(file.path), runPiped(file));
  throw new UsageError(`${file.name} is ${what}`, hint);
}
