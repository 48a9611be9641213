import CAudioKernels

/// A matrix of weights and an addend for each of its rows, in the order in which the kernels read it.
///
/// Rows come in groups of sixteen, of which the last is filled up by rows of zeros. The weights of a group lie
/// together, column by column.
package struct DenseLayer: Sendable {
  /// Rows that are packed together.
  package static let groupSize = Int(AK_ROW_GROUP)

  /// Outputs for each frame: a multiple of ``groupSize``.
  package let rowCount: Int
  /// Inputs for each frame.
  package let columnCount: Int
  /// Whether negative outputs become 0.
  package let isRectified: Bool
  /// How many products an output frame takes, those with zeros of the packing included.
  package let productCount: Int
  private let weights: AlignedFloats
  private let bias: [Float]
  private let runs: [ak_column_run]

  /// A full matrix from weights that are packed already: `[rowCount / 16][columnCount][16]`.
  ///
  /// - Precondition: `bias` has a multiple of 16 elements, the row count, and there is a weight for each of them and
  ///   each column.
  package init(packedWeights: [Float], bias: [Float], columnCount: Int, isRectified: Bool = false) {
    let groupCount = bias.count / Self.groupSize
    precondition(bias.count % Self.groupSize == 0 && (0..<1 << 31).contains(columnCount))
    precondition(packedWeights.count == bias.count * columnCount)
    self.init(
      weights: packedWeights, bias: bias, columnCount: columnCount,
      runs: Array(repeating: ak_column_run(first_column: 0, column_count: UInt32(columnCount)), count: groupCount),
      isRectified: isRectified)
  }

  /// A full matrix, row by row.
  ///
  /// - Precondition: `weights` has as many elements as `bias`, the rows, times `columnCount`.
  package init(rows weights: [Float], bias: [Float], columnCount: Int, isRectified: Bool = false) {
    self.init(weights, bias: bias, columnCount: columnCount, isRectified: isRectified, isBanded: false)
  }

  /// A matrix of which each group of sixteen rows weighs only a run of columns, row by row with all zeros.
  ///
  /// The columns to either side of a group's run are not multiplied; a matrix of neighbouring bands is so stored in
  /// little more than its weights.
  package init(bands weights: [Float], bias: [Float]? = nil, columnCount: Int, isRectified: Bool = false) {
    let bias = bias ?? Array(repeating: 0, count: columnCount > 0 ? weights.count / columnCount : 0)
    self.init(weights, bias: bias, columnCount: columnCount, isRectified: isRectified, isBanded: true)
  }

  private init(_ rows: [Float], bias: [Float], columnCount: Int, isRectified: Bool, isBanded: Bool) {
    precondition((0..<1 << 31).contains(columnCount) && rows.count == bias.count * columnCount)
    var packed: [Float] = []
    var runs: [ak_column_run] = []
    for group in stride(from: 0, to: bias.count, by: Self.groupSize) {
      let members = group..<min(group + Self.groupSize, bias.count)
      var run = 0..<columnCount
      if isBanded {
        let used = run.filter { column in members.contains { rows[$0 * columnCount + column] != 0 } }
        run = (used.first ?? 0)..<((used.last ?? -1) + 1)
      }
      for column in run {
        for row in group..<group + Self.groupSize {
          packed.append(row < bias.count ? rows[row * columnCount + column] : 0)
        }
      }
      runs.append(ak_column_run(first_column: UInt32(run.lowerBound), column_count: UInt32(run.count)))
    }
    let padding = runs.count * Self.groupSize - bias.count
    self.init(
      weights: packed, bias: bias + Array(repeating: 0, count: padding), columnCount: columnCount, runs: runs,
      isRectified: isRectified)
  }

  private init(weights: [Float], bias: [Float], columnCount: Int, runs: [ak_column_run], isRectified: Bool) {
    // What the kernels rely on.
    precondition(bias.count == runs.count * Self.groupSize)
    precondition(runs.allSatisfy { Int($0.first_column) + Int($0.column_count) <= columnCount })
    precondition(weights.count == runs.reduce(0) { $0 + Int($1.column_count) } * Self.groupSize)
    self.rowCount = bias.count
    self.columnCount = columnCount
    self.isRectified = isRectified
    self.productCount = weights.count
    self.bias = bias
    self.runs = runs
    // The kernels read sixteen weights at once, which takes up to a third less time where they are one cache line and
    // not parts of two.
    self.weights = AlignedFloats(weights)
  }

  func withTable(_ body: (inout ak_layer) -> Void) {
    unsafe weights.withPointer { weights in
      unsafe bias.withUnsafeBufferPointer { bias in
        unsafe runs.withUnsafeBufferPointer { runs in
          var table = unsafe ak_layer(
            weights: weights, bias: bias.baseAddress, runs: runs.baseAddress,
            row_count: rowCount,
            is_rectified: isRectified ? 1 : 0)
          unsafe body(&table)
        }
      }
    }
  }
}
