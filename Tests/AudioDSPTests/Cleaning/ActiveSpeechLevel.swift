import Foundation

/// The active speech level of ITU-T P.56, method B, in dBov: an envelope of two smoothings of 30 ms, a hangover of
/// 200 ms, and the threshold 15.9 dB below the level that results. In double precision, for whole recordings.
func activeSpeechLevel(_ samples: ArraySlice<Float>, rate: Int) -> Double {
  let decay = exp(-1 / (0.03 * Double(rate)))
  let hangover = rate / 5
  // Thresholds 3 dB apart; between them, levels are interpolated.
  let thresholds = (0..<30).map { pow(10, -Double($0) * 3 / 20) }
  var (first, second, energy) = (0.0, 0.0, 0.0)
  var active = [Int](repeating: 0, count: thresholds.count)
  var left = [Int](repeating: 0, count: thresholds.count)
  for sample in samples {
    let x = Double(sample)
    energy += x * x
    first = decay * first + (1 - decay) * abs(x)
    second = decay * second + (1 - decay) * first
    for j in 0..<thresholds.count {
      if second >= thresholds[j] { left[j] = hangover + 1 }
      if left[j] > 0 {
        active[j] += 1
        left[j] -= 1
      }
    }
  }
  var previous: (level: Double, distance: Double)?
  for j in 0..<thresholds.count where active[j] > 0 {
    let level = 10 * log10(energy / Double(active[j]))
    let distance = level - 20 * log10(thresholds[j])
    if distance >= 15.9 {
      guard let previous else { return level }
      let part = (15.9 - previous.distance) / (distance - previous.distance)
      return previous.level + part * (level - previous.level)
    }
    previous = (level, distance)
  }
  return previous?.level ?? -200
}
