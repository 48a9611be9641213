/// PCM16 in double precision, where 16-bit scaling and rounding of a `Float` are exact.
public enum ReferencePCM16 {
  public static func converted(_ sample: Float) -> Int16 {
    if sample.isNaN { return 0 }
    let rounded = (Double(sample) * 32768).rounded(.toNearestOrEven)
    return Int16(max(-32768, min(32767, rounded)))
  }
}
