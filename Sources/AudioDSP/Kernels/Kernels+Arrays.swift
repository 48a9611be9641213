/// The kernels on arrays: for processors whose buffers are members of one value, of which spans cannot be had at once.
extension Kernels {
  /// As ``powerSpectrum(_:window:scale:into:)``, of the samples from `start` on, into `power` at `place`.
  func powerSpectrum(
    _ samples: [Float], from start: Int, window: [Float], scale: Float, into power: inout [Float], at place: Int
  ) {
    var all = power.mutableSpan
    var target = all._mutatingExtracting(place...)
    powerSpectrum(
      samples.span.extracting(start..<start + Self.spectrumInputCount), window: window.span, scale: scale, into: &target
    )
  }

  /// As ``apply(_:to:stride:count:into:outputStride:)``.
  func apply(
    _ layer: DenseLayer, to input: [Float], stride: Int = 0, count: Int = 1, into output: inout [Float]
  ) {
    var target = output.mutableSpan
    apply(layer, to: input.span, stride: stride, count: count, into: &target)
  }

  /// As ``log2(of:plus:)``, of the members in `range`.
  func log2(of values: inout [Float], in range: Range<Int>, plus offset: Float) {
    var all = values.mutableSpan
    var target = all._mutatingExtracting(range)
    log2(of: &target, plus: offset)
  }

  /// As ``squareRoot(_:into:)``, of the members in `range`, into `output` at `place`.
  func squareRoot(_ input: [Float], in range: Range<Int>, into output: inout [Float], at place: Int) {
    var all = output.mutableSpan
    var target = all._mutatingExtracting(place...)
    squareRoot(input.span.extracting(range), into: &target)
  }

  /// As ``trackFloor(_:rate:smoothed:minimum:others:above:)``, of the levels in `range`.
  func trackFloor(
    _ level: [Float], in range: Range<Int>, rate: Float, smoothed: inout [Float], minimum: inout [Float],
    others: [Float],
    above: inout MutableSpan<Float>
  ) {
    var smoothedTarget = smoothed.mutableSpan
    var minimumTarget = minimum.mutableSpan
    trackFloor(
      level.span.extracting(range), rate: rate, smoothed: &smoothedTarget, minimum: &minimumTarget, others: others.span,
      above: &above)
  }

  /// As ``gruStep(inputGates:stateGates:state:)``; the input's gates lie from `start` on. Copies the new state into
  /// `states`, as its member `index`.
  func gruStep(
    inputGates: [Float], from start: Int, stateGates: [Float], state: inout [Float], copiedTo states: inout [Float],
    index: Int
  ) {
    var target = state.mutableSpan
    gruStep(inputGates: inputGates.span.extracting(start...), stateGates: stateGates.span, state: &target)
    let place = index * state.count
    for i in 0..<state.count { states[place + i] = state[i] }
  }

  /// Copies `input` into `output` at `place`, as near as `range` lets it.
  func limit(_ input: Span<Float>, to range: ClosedRange<Float>, into output: inout [Float], at place: Int) {
    precondition(place >= 0 && output.count - place >= input.count)
    var target = output.mutableSpan
    for i in 0..<input.count { target[place + i] = min(max(input[i], range.lowerBound), range.upperBound) }
  }

  /// Brings each value to at least `least` and at most `greatest`.
  func limit(_ values: inout MutableSpan<Float>, least: [Float], greatest: [Float]) {
    let (least, greatest) = (least.span, greatest.span)
    precondition(least.count >= values.count && greatest.count >= values.count)
    for i in 0..<values.count { values[i] = min(max(values[i], least[i]), greatest[i]) }
  }

  /// The sum of the members in `range`.
  func sum(of values: [Float], in range: Range<Int>) -> Float {
    frameSums(values.span.extracting(range), offset: 0, previous: 0).sum
  }

  /// As ``peak(_:)``, of the members in `range`.
  func peak(of values: [Float], in range: Range<Int>) -> (index: Int, value: Float) {
    peak(values.span.extracting(range))
  }

  /// The sum and the greatest of the first `count` values.
  func measure(_ values: borrowing MutableSpan<Float>, count: Int, sum: inout Float, greatest: inout Float) {
    let first = values.span.extracting(..<count)
    sum = frameSums(first, offset: 0, previous: 0).sum
    greatest = peak(first).value
  }

  /// The greatest magnitude of the members in `range`, which are finite.
  func magnitude(of values: [Float], in range: Range<Int>) -> Float {
    let span = values.span.extracting(range)
    var greatest = SIMD16<Float>(repeating: 0)
    var i = 0
    while i + 16 <= span.count {
      var lanes = SIMD16<Float>()
      for lane in 0..<16 { lanes[lane] = span[i + lane] }
      let negated = -lanes
      greatest = greatest.replacing(with: lanes, where: lanes .> greatest)
      greatest = greatest.replacing(with: negated, where: negated .> greatest)
      i += 16
    }
    var result = greatest.max()
    while i < span.count {
      result = max(result, abs(span[i]))
      i += 1
    }
    return result
  }
}
