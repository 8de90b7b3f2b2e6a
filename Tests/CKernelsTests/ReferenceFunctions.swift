// The elementary functions once more, one element at a time: what every kernel set must return to the last bit.

/// exp(x) = 2^n (1 + q).
private func reducedExponential(_ x: Float) -> (n: Int32, q: Float) {
    let shift: Float = 12_582_912
    let shifted = fused(x, 1.442_695_040_888_963_41, shift)
    let n = shifted - shift
    var r = fused(n, -0.693_145_751_953_125, x)
    r = fused(n, -1.428_606_820_309_417_232_12e-6, r)
    var p = fused(0.001_382_105_5, r, 0.008_368_675)
    p = fused(p, r, 0.041_668_262)
    p = fused(p, r, 0.166_665_21)
    p = fused(p, r, 0.499_999_94)
    return (Int32(bitPattern: shifted.bitPattern &- 0x4B40_0000), fused(p * r, r, r))
}

private func powerOfTwo(_ n: Int32) -> Float { Float(bitPattern: UInt32(bitPattern: n &+ 127) << 23) }

/// a b + c, rounded once.
func fused(_ a: Float, _ b: Float, _ c: Float) -> Float { c.addingProduct(a, b) }

/// exp(x)
func referenceExponential(_ x: Float) -> Float {
    if x.isNaN { return x }
    let (n, q) = reducedExponential(min(max(x, -104), 89))
    let half = n >> 1
    return fused(powerOfTwo(half), q, powerOfTwo(half)) * powerOfTwo(n - half)
}

/// 1 / (1 + exp(-x))
func referenceSigmoid(_ x: Float) -> Float {
    if x.isNaN { return x }
    if x < -88 { return 0 }
    let (n, q) = reducedExponential(min(max(-x, -88), 88))
    let power = powerOfTwo(n)
    return 1 / fused(power, n == 24 ? q + 0x1p-24 : q, 1 + power)
}

/// tanh(x)
func referenceTangentHyperbolic(_ x: Float) -> Float {
    if x.isNaN { return x }
    if abs(x) < 0.55 {
        let square = x * x  // the sign is put back at the end: tanh(-0) = -0
        var p = fused(-0.006_242_849_4, square, 0.021_050_714)
        p = fused(p, square, -0.053_847_548)
        p = fused(p, square, 0.133_325_44)
        p = fused(p, square, -0.333_333_16)
        return Float(signOf: x, magnitudeOf: fused(p * square, abs(x), abs(x)))
    }
    let (n, q) = reducedExponential(2 * min(abs(x), 10))
    let large = 1 - 2 / fused(powerOfTwo(n), q, 1 + powerOfTwo(n))
    return x < 0 ? -large : large
}

/// log(x)
func referenceLogarithm(_ x: Float) -> Float {
    if x == 0 { return -.infinity }
    if !(x > 0) { return .nan }
    if x == .infinity { return x }
    let subnormal = x < 0x1p-126
    let bits = (subnormal ? x * 0x1p23 : x).bitPattern &- 0x3F35_04F3
    let e = Float((Int32(bitPattern: bits) >> 23) - (subnormal ? 23 : 0))
    let f = Float(bitPattern: (bits & 0x007F_FFFF) + 0x3F35_04F3) - 1
    let square = f * f
    var p = fused(7.037_683_629_2e-2, f, -1.151_461_031_0e-1)
    for coefficient: Float in [
        1.167_699_874_0e-1, -1.242_014_084_6e-1, 1.424_932_278_7e-1, -1.666_805_766_5e-1, 2.000_071_476_5e-1,
        -2.499_999_399_3e-1, 3.333_333_117_4e-1,
    ] { p = fused(p, f, coefficient) }
    var tail = fused(e, -2.121_944_40e-4, p * f * square)
    tail = fused(-0.5, square, tail)
    return fused(e, 0.693_359_375, f + tail)
}

/// x0 + x1 + ... in the documented order: element i to partial i mod 16, partials pairwise.
func referenceSum<Number: FloatingPoint>(
    _ x: [Number], _ add: (_ partial: Number, _ element: Number) -> Number = { $0 + $1 }
) -> Number {
    var partials = Array(repeating: Number.zero, count: 16)
    for i in x.indices { partials[i % 16] = add(partials[i % 16], x[i]) }
    while partials.count > 1 {
        let half = partials.count / 2
        partials = (0..<half).map { partials[$0] + partials[$0 + half] }
    }
    return partials[0]
}
