// A data type with everything that a data type can have.

export class Matrix {
  constructor(columns, cells) {
    this.columns = columns;
    this.cells = cells;
  }

  static of(rows) {
    return new Matrix(rows[0].length, Float64Array.from(rows.flat()));
  }

  get rows() {
    return this.cells.length / this.columns;
  }

  row(i) {
    return this.cells.subarray(i * this.columns, (i + 1) * this.columns);
  }

  sum() {
    return this.cells.reduce((sum, cell) => sum + cell, 0);
  }

  times(factor) {
    return new Matrix(
      this.columns,
      this.cells.map((cell) => cell * factor),
    );
  }

  toJSON() {
    return Array.from({ length: this.rows }, (_, i) => [...this.row(i)]);
  }
}

export const matrixType = {
  serialize: ({ columns, cells }) =>
    [Float64Array.of(columns), cells].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ),
  deserialize: ({ buffer, byteOffset, byteLength }) => {
    const [columns, ...cells] = new Float64Array(buffer, byteOffset, byteLength / 8);
    return new Matrix(columns, Float64Array.from(cells));
  },
  size: ({ cells }) => cells.byteLength,
  length: ({ rows }) => rows,
  get: (matrix, i, { wrap }) => wrap([...matrix.row(i)]),
  slice: ({ columns, cells }, start, end, { value }) =>
    value("matrix", new Matrix(columns, cells.slice(start * columns, end * columns))),
  toBytes: (matrix) => Buffer.from(JSON.stringify(matrix)),
};
