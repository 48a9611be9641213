// The C library's elementary functions, without Foundation.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

func cosine(_ x: Double) -> Double { cos(x) }
func logarithm10(_ x: Double) -> Double { log10(x) }
func raised(_ x: Double, _ exponent: Double) -> Double { pow(x, exponent) }
func logarithm10(_ x: Float) -> Float { log10f(x) }
func exponential(_ x: Float) -> Float { expf(x) }
func sine(_ x: Double) -> Double { sin(x) }
func tangent(_ x: Double) -> Double { tan(x) }
func exponential(_ x: Double) -> Double { exp(x) }
