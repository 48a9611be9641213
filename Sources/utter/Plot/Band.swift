/// A stretch of time that is shaded in a picture, in samples.
struct Band: Equatable {
  var range: Range<Int>
  /// How many stretches it stands for.
  var count = 1

  /// A band for each of `ranges`, which are in order; those that are too narrow and too near to their neighbour to be
  /// told apart have one in common. There are never more than two for each `unit` of time, and one.
  ///
  /// - Parameter unit: How many samples a picture's unit of width shows.
  static func bands(_ ranges: some Sequence<Range<Int>>, unit: Double) -> [Band] {
    var bands: [Band] = []
    for range in ranges {
      if let last = bands.last, Double(range.lowerBound - last.range.upperBound) < unit / 2,
        Double(min(range.count, last.range.count)) < unit
      {
        bands[bands.count - 1].range = last.range.lowerBound..<max(last.range.upperBound, range.upperBound)
        bands[bands.count - 1].count += 1
      } else {
        bands.append(Band(range: range))
      }
    }
    return bands
  }
}
