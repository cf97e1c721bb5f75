import { describe, expect, test } from 'vitest';
import { defaultAnswerSettings } from '../../../src/core/settings.ts';
import { fileName } from '../../../src/input/source/file-name.ts';
import { type Look, type Reading, lookAt } from '../../../src/input/source/look.ts';

const whole = { isWhole: true, isFull: false };
const streaming = { isWhole: false, isFull: false };

function look(content: string | Buffer, path: string | null = 'in.jsonl', change: Partial<Reading> = {}): Look | null {
  return lookAt(Buffer.from(content as string), whole, {
    reading: { ...defaultAnswerSettings, ...change },
    file: fileName(path),
  });
}

const formOf = (...given: Parameters<typeof look>): string | undefined => look(...given)?.form;

describe('the form', () => {
  test.each([
    ['lines', '{"a":1}\n{"a":2}\n', 'jsonl'],
    ['one line', '{"a":1}', 'jsonl'],
    ['lines with blank ones before', '\n \n{"a":1}\n{"a":2}\n', 'jsonl'],
    ['lines behind a comment', '# mine\n{"a":1}\n', 'jsonl'],
    ['texts, which are no objects', '"a"\n"b"\n', 'jsonl'],
    ['lines with commas behind them', '{"a":1},\n{"a":2},\n', 'jsonl'],
    ['lines of which the first is cut', '{"a":1,\n{"a":2}\n', 'jsonl'],
    ['lines of which the first is cut in a list', '{"a":[\n{"a":2}\n', 'jsonl'],
    ['lines of which the first is cut in a text', '{"a":"b\n{"a":2}\n', 'jsonl'],
    ['lines of which the first has a comma too many', '{"a":1,}\n{"a":2}\n', 'jsonl'],
    ['lines of which the first is Python', '{\'a\':1}\n{"a":2}\n', 'jsonl'],
    ['rows with lists of objects', '{"id":"x","docs":[{"t":1}]}\n', 'jsonl'],
    ['requests with messages', '{"messages":[{"role":"user","content":"x"}]}\n', 'jsonl'],
    ['an array', '[{"a":1}]', 'array'],
    ['an array behind blanks', ' \r\n[\n', 'array'],
    ['indented objects', '{\n  "a": 1\n}\n{\n  "a": 2\n}\n', 'objects'],
    ['indented objects that are broken later', '{\n  "a": 1\n}\n{\n  "a": 2,\n}\n', 'objects'],
    ['indented objects of which the first is broken', '{\n  "a": 1,\n}\n{\n  "a": 2\n}\n', 'objects'],
    ['indented objects that hold whole lines', '{\n "messages": [\n  {"a": 1}\n ]\n}\n', 'objects'],
    ['objects behind each other', '{"a":1}{"a":2}', 'objects'],
    ['two objects on each line', '{"a":1} {"a":2}\n{"a":3} {"a":4}\n', 'objects'],
    ['nothing', '', 'jsonl'],
    ['Parquet', 'PAR1....', 'parquet'],
  ])('of %s', (_name, content, form) => {
    expect(formOf(content)).toBe(form);
  });

  test.each([
    ['rows.csv', 'csv'],
    ['ROWS.CSV.gz', 'csv'],
    ['rows.tsv', 'tsv'],
    ['rows.tab', 'tsv'],
  ])('of %s is told by its name', (path, form) => {
    expect(formOf('a,b\n1,2\n', path)).toBe(form);
  });

  test.each<[Partial<Reading>, string]>([
    [{ format: 'csv' }, 'csv'],
    [{ format: 'tsv' }, 'tsv'],
    [{ format: 'text' }, 'text'],
    [{ format: 'jsonl' }, 'jsonl'],
    [{ delimiter: ';' }, 'csv'],
  ])('is what the flags say: %j', (change, form) => {
    expect(formOf('hello, you\n', null, change)).toBe(form);
  });

  test('of standard input is known by its first line, or waited for', () => {
    const at = (content: string): Look | null =>
      lookAt(Buffer.from(content), streaming, { reading: defaultAnswerSettings, file: fileName(null) });
    expect([at('{"a":1}\n'), at('{"a":1,}\n'), at('[')].map((each) => each?.form)).toEqual(['jsonl', 'jsonl', 'array']);
    expect([at('\n'), at('{"a":'), at('{\n"a":'), at('hello\n'), at('{"data":[{"a":1}]}\n')]).toEqual(
      Array.from({ length: 5 }, () => null),
    );
  });
});

const error = (...given: Parameters<typeof look>): string => {
  try {
    return `no error: ${formOf(...given)}`;
  } catch (thrown) {
    const { name, message, hint } = thrown as { name: string; message: string; hint?: string };
    return `${name}: ${message}. ${hint}`;
  }
};

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a file that is no input is refused by its name, with the way out', () => {
  test.each<[what: string, way: string, content: Buffer]>([
    ['an Excel workbook', 'CSV UTF-8', latin1('PK\x03\x04....xl/workbook.xml')],
    ['a zip archive', 'unzip -p', latin1('PK\x03\x04....rows.jsonl')],
    ['packed with zstd', 'zstdcat in.jsonl | llmbatch run -', latin1('(\xb5/\xfd....')],
    ['packed with bzip2', 'bzcat', latin1('BZh91AY&SY')],
    ['packed with xz', 'xzcat', latin1('\xfd7zXZ\0')],
    ['a tar archive', 'tar -xOf', latin1(`${'rows.jsonl'.padEnd(257, '\0')}ustar`)],
    ['a PDF', 'pdftotext', latin1('%PDF-1.7')],
    ['an SQLite database', 'sqlite3', latin1('SQLite format 3\0')],
    ['a GGUF model', '-m', latin1('GGUF\x03')],
    ['an Arrow file', 'read_feather', latin1('ARROW1\0\0')],
    ['an Avro file', 'avro-tools', latin1('Obj\x01')],
    ['a Python pickle', 'read_pickle', latin1('\x80\x04\x95....')],
    ['a pointer of Git LFS', 'git lfs pull', latin1('version https://git-lfs.github.com/spec/v1\n')],
    ['a web page', 'download it again', latin1('<!DOCTYPE html>\n<html>')],
    ['XML', 'Convert', latin1('<?xml version="1.0"?>')],
    ['YAML', 'yq', latin1('- prompt: Hi\n')],
    ['a binary file', 'utf-16le', latin1('\x01\x02\0\x03')],
    ['in UTF-32LE', 'iconv -f utf-32le', latin1('\xff\xfe\0\0{\0\0\0')],
    ['in UTF-32BE', 'iconv -f utf-32be', latin1('\0\0\0{\0\0\0}')],
    ['end in a carriage return alone', 'tr ', latin1('{"a":1}\r{"a":2}\r')],
    ['not JSON: it begins with "hello there"', '--format text', latin1('hello there\nyou\n')],
    ['looks like the header of a table', '--format csv', latin1('id,text\n1,a\n')],
    ['looks like the header of a table', '--format tsv', latin1('id\ttext\n1\ta\n')],
    ['one object whose "data" is a list', "jq -c '.data[]'", latin1('{"data":[{"a":1},{"a":2}]}')],
    ['one object whose "data" is a list', "jq -c '.data[]'", latin1('{"object":"list",\n"data":[{"a":1}]\n}\n')],
    ['one object whose "data" is a list', "'.data[]'", latin1('{"schema":{"fields":[{"a":1}]},"data":[{"a":1}]}')],
    ['one object whose "data" is a list', 'jq 1.7', latin1('{"data":[{"a":12345678901234567}]}')],
    ['a table stored by columns', 'orient=', latin1('{"prompt":{"0":"a","1":"b"}}')],
    ['a table stored by columns', 'orient=', latin1('{"columns":["a"],"index":[0],"data":[["x"]]}')],
    ['a row for each of its keys', 'to_entries', latin1('{"0":{"a":"x"},"1":{"a":"y"}}')],
    ['a table of Markdown', "--format csv --delimiter '|'", latin1('# T\n\n| id | a |\n|---|:-:|\n| 1 | x |\n')],
    ['of a terminal', 'sed -E', latin1('+----+\n| id |\n+----+\n| 1  |\n+----+\n')],
    ['JSON with comments', 'npx json5', latin1('// mine\n[\n  {a: 1},\n]\n')],
    ['the header of a table', '--format csv', latin1('id,text,label\n1,"two\nlines",a\n')],
  ])('%s: %s', (what, way, content) => {
    const told = error(content);
    expect(told).toMatch(/^UsageError: /);
    expect(told).toContain(what);
    expect(told).toContain(way);
    expect(told.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test.each<[string, string, string | Buffer, string, Partial<Reading>]>([
    ['no encoding is called "utf-9"', 'windows-1252', '{"a":1}', 'in.jsonl', { encoding: 'utf-9' }],
    ['contains JSON, not a table', '--format jsonl', '{"a":1}\n', 'in.csv', {}],
    ['holds a JSON array', '--format json', '[\n{"a":1}\n]', 'in.jsonl', { format: 'jsonl' }],
    ['holds JSON objects over several lines', '--format json', '{\n"a":1\n}', 'in.jsonl', { format: 'jsonl' }],
    ['is no Parquet file', 'Remove --format', '{"a":1}', 'in.jsonl', { format: 'parquet' }],
    ['is a Parquet file, not csv', 'Remove --format', 'PAR1', 'in.csv', { format: 'csv' }],
  ])('%s: %s', (what, way, content, path, change) => {
    const told = error(content, path, change);
    expect(told).toContain(what);
    expect(told).toContain(way);
  });
});

test('a table stored by columns is known by its beginning, where it is longer than what is looked at', () => {
  const head = Buffer.from('{"user":{"0":"a","1":"b');
  const reading = defaultAnswerSettings;
  expect(() => lookAt(head, { isWhole: false, isFull: true }, { reading, file: fileName('in.json') })).toThrow(
    'a table stored by columns',
  );
});

test('a row that holds a list alone is taken as a line', () => {
  expect(formOf('{"data":[{"a":1}]}', 'in.jsonl', { format: 'jsonl' })).toBe('jsonl');
});

test('the command that mends it has the flags of the user, and the form that a pipe does not tell', () => {
  const flags = [{ name: '--id-field', words: ['--id-field', 'my id'], isOfRequests: true }];
  const lookIn = (path: string, content: string): unknown =>
    lookAt(Buffer.from(content), whole, { reading: defaultAnswerSettings, file: fileName(path, flags) });
  const hint = (path: string, content: string): string => {
    try {
      return String(lookIn(path, content));
    } catch (thrown) {
      return (thrown as { hint: string }).hint;
    }
  };
  const end = "| llmbatch run - --format csv --id-field 'my id'";
  expect(hint('a.csv.zip', 'PK\x03\x04')).toBe(`Unpack it in a pipe: unzip -p a.csv.zip ${end}`);
  expect(hint('a.csv', 'id,a\r1,b\r')).toContain(end);
  expect(hint('a.zip', 'PK\x03\x04')).toMatch(/run - --id-field/);
});

test.each([
  ['cp1252', 'windows-1252'],
  ['ANSI', 'windows-1252'],
  ['latin1', 'windows-1252'],
  ['UTF-16', 'utf-16le'],
  ['cp932', 'shift_jis'],
  ['utf8', null],
])('the encoding %s is %s', (label, encoding) => {
  expect(
    look(Buffer.from('{"a":1}\n', encoding === 'utf-16le' ? encoding : 'latin1'), 'in.jsonl', { encoding: label })
      ?.encoding,
  ).toBe(encoding);
});
