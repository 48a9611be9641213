/// What one call costs, item by item, and many of them.
///
/// ``callTotal`` is the sum of the lines, and ``total`` that times ``calls``, to the picodollar.
public struct Bill: Sendable, Equatable {
  public enum Unit: String, Sendable {
    /// Priced by the million.
    case token
    /// Priced by the minute.
    case millisecond
  }

  public struct Line: Sendable, Equatable {
    /// In words: "audio in, cached".
    public var item: String
    /// Of one call.
    public var quantity: Int
    public var unit: Unit
    /// Of a million tokens, or of a minute.
    public var price: Money
    /// Of one call.
    public var amount: Money

    /// - Parameter quantity: In `unit`, 0 and more.
    public init(_ item: String, _ quantity: Int, _ unit: Unit, at price: Money) {
      self.item = item
      self.quantity = quantity
      self.unit = unit
      self.price = price
      amount = price.multiplied(by: quantity, over: unit == .token ? 1_000_000 : 60_000)
    }
  }

  public var lines: [Line]
  public var calls: Int
  /// What to know about the sum, in words.
  public var notes: [String]

  public init(lines: [Line], calls: Int, notes: [String] = []) {
    self.lines = lines
    self.calls = calls
    self.notes = notes
  }

  public var callTotal: Money { lines.reduce(.zero) { $0 + $1.amount } }
  public var total: Money { callTotal * calls }
}
