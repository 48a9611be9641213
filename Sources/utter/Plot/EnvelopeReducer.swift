/// Least, greatest and mean value of each of a bounded number of equal runs of a stream, whose length need not be known
/// beforehand.
///
/// At first every value has a column of its own. Whenever the columns are full, neighbours become one, so that from
/// then on each stands for twice as many values. A stream too long for a column per value always has more columns than
/// half the capacity, and however it is cut into calls, they are the same, bit for bit.
struct EnvelopeReducer: Sendable {
  /// What is kept of a run of values.
  struct Column: Equatable, Sendable {
    private(set) var minimum = Float.infinity
    private(set) var maximum = -Float.infinity
    private var sum = 0.0
    private(set) var count = 0

    var mean: Double { sum / Double(max(1, count)) }

    fileprivate mutating func add(_ value: Float) {
      minimum = value < minimum ? value : minimum
      maximum = value > maximum ? value : maximum
      sum += Double(value)
      count += 1
    }

    fileprivate func joined(with next: Column) -> Column {
      var both = self
      both.minimum = min(minimum, next.minimum)
      both.maximum = max(maximum, next.maximum)
      both.sum += next.sum
      both.count += next.count
      return both
    }
  }

  /// The most columns.
  let capacity: Int
  private(set) var columns: [Column] = []
  /// How many values each column stands for; the last one may have fewer. A power of two.
  private(set) var valuesPerColumn = 1
  /// How many values have come.
  private(set) var count = 0

  /// - Precondition: `capacity` is even, so that joining leaves no column over.
  init(capacity: Int) {
    precondition(capacity > 0 && capacity.isMultiple(of: 2))
    self.capacity = capacity
    columns.reserveCapacity(capacity)
  }

  /// The values of a column, by their place in the stream.
  func values(ofColumn index: Int) -> Range<Int> {
    let start = index * valuesPerColumn
    return start..<start + columns[index].count
  }

  /// Takes the next value, which must be finite.
  mutating func add(_ value: Float) {
    startColumnIfNeeded()
    columns[columns.count - 1].add(value)
    count += 1
  }

  /// Takes the next values, which must be finite.
  mutating func add(_ values: Span<Float>) {
    var taken = 0
    while taken < values.count {
      startColumnIfNeeded()
      var column = columns[columns.count - 1]
      let end = taken + min(valuesPerColumn - column.count, values.count - taken)
      for i in taken..<end { column.add(values[i]) }
      columns[columns.count - 1] = column
      count += end - taken
      taken = end
    }
  }

  private mutating func startColumnIfNeeded() {
    guard columns.last.map({ $0.count == valuesPerColumn }) ?? true else { return }
    if columns.count == capacity { halve() }
    columns.append(Column())
  }

  /// Joins the columns by pairs; all of them are complete.
  private mutating func halve() {
    for i in 0..<capacity / 2 { columns[i] = columns[2 * i].joined(with: columns[2 * i + 1]) }
    columns.removeLast(capacity / 2)
    valuesPerColumn *= 2
  }
}
