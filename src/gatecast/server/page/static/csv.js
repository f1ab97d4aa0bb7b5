/**
 * CSV text as rows of cells, strictly: what cannot be read for certain is refused with its line.
 *
 * Source: RFC 4180, and what spreadsheets write beside it: a byte order mark, semicolons, tabs, any end of line.  The
 * apostrophe that `gatecast predict --out` puts before what a spreadsheet would take for a formula is taken off.
 */

const DELIMITERS = [",", ";", "\t"];
const MARK = /^'(?='*[=+\-@\t\r\n＝＋－＠])/;

/** Why a text is refused; `line` counts from 1, as editors do. */
export class CsvError extends Error {
  constructor(line, message) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/**
 * @param {string} text
 * @returns {{delimiter: string, header: string[], rows: string[][], lines: number[]}} `lines` says on which line of
 *   the file each row begins
 */
export function parseCsv(text) {
  const clean = text.replace(/^\uFEFF/, "");
  const delimiter = delimiterOf(clean);
  const [first, ...rest] = [...records(clean, delimiter)].filter(({ cells }) => cells.length > 1 || cells[0] !== "");
  if (!first || !rest.length) {
    throw new CsvError(1, "a header and at least one row are expected, and there are fewer lines than that.");
  }
  const header = first.cells.map((cell) => cell.trim());
  checkHeader(header, first.line);
  for (const { cells, line } of rest) {
    if (cells.length !== header.length) {
      const lesson = "Put a cell that holds the delimiter in double quotes.";
      throw new CsvError(line, `the header has ${header.length} cells, this row has ${cells.length}. ${lesson}`);
    }
  }
  return { delimiter, header, rows: rest.map(({ cells }) => cells), lines: rest.map(({ line }) => line) };
}

function checkHeader(header, line) {
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new CsvError(line, `two columns have the name "${twice}". Give each its own.`);
  }
}

/** The delimiter that the header has most of, outside quotes. */
function delimiterOf(text) {
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)[0].replace(/"(?:[^"]|"")*"/g, "");
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/** Each record with the line that it begins on. */
function* records(text, delimiter) {
  const rest = delimiter === "\t" ? "[^\\t\\r\\n]*" : `[^${delimiter}\\r\\n]*`;
  const cell = new RegExp(`(?:"((?:[^"]|"")*)"|(?!")(${rest}))(${delimiter}|\\r\\n|\\n|\\r|$)`, "y");
  let line = 1;
  let record = { cells: [], line };
  while (cell.lastIndex < text.length || record.cells.length) {
    const found = cell.exec(text);
    if (!found) {
      throw new CsvError(line, "a double quote is not closed, or text follows it. Write a quote inside quotes twice.");
    }
    const [, quoted, plain, end] = found;
    if (plain?.includes('"')) {
      throw new CsvError(line, "a double quote stands inside a cell. Put the cell in quotes and the quote twice.");
    }
    line += (quoted?.match(/\r\n|\n|\r/g) ?? []).length;
    record.cells.push((quoted?.replaceAll('""', '"') ?? plain).replace(MARK, ""));
    if (end !== delimiter) {
      line += 1;
      yield record;
      record = { cells: [], line };
    }
  }
}
