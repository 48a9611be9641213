import AudioDSP

/// What an event of a dialect says of audio: what ``AudioEventDecoder`` makes of a line.
public struct AudioEvent: Hashable, Sendable {
  /// Who made audio.
  public enum Side: String, CaseIterable, Sendable {
    /// The client, which sends what a user says.
    case sent
    /// The service, whose answer is received.
    case received
  }

  /// How the samples of a payload are stored.
  public enum Encoding: String, CaseIterable, Sendable {
    /// 16-bit linear PCM, little-endian.
    case pcm16
    /// G.711 mu-law.
    case muLaw = "ulaw"
    /// G.711 A-law.
    case aLaw = "alaw"

    /// The bytes of one sample.
    public var sampleSize: Int { self == .pcm16 ? 2 : 1 }
  }

  /// What an event says of the format of audio; `nil` for what it does not say.
  public struct Format: Hashable, Sendable {
    public var encoding: Encoding?
    public var sampleRate: SampleRate?

    public init(encoding: Encoding? = nil, sampleRate: SampleRate? = nil) {
      self.encoding = encoding
      self.sampleRate = sampleRate
    }
  }

  /// Audio, of one channel as all services have it.
  public struct Payload: Hashable, Sendable {
    public var side: Side
    /// The decoded bytes, at least one. Services cut anywhere: they may start or end inside of a sample.
    public var bytes: [UInt8]
    /// What the event itself says.
    public var format: Format
    /// OpenAI's `item_id`, or ElevenLabs' `event_id`.
    public var itemID: String?
    /// OpenAI's `response_id`.
    public var responseID: String?

    public init(
      side: Side, bytes: [UInt8], format: Format = Format(), itemID: String? = nil, responseID: String? = nil
    ) {
      self.side = side
      self.bytes = bytes
      self.format = format
      self.itemID = itemID
      self.responseID = responseID
    }
  }

  /// The dialect it is of. What a client of OpenAI's sends is the same in both of its dialects, and taken for
  /// ``Dialect/openAI``.
  public var dialect: Dialect
  /// The audio it carries: more than one payload only with Gemini.
  public var payloads: [Payload]
  /// The formats it announces for audio to come.
  public var announcedFormats: [Side: Format]

  public init(dialect: Dialect, payloads: [Payload] = [], announcedFormats: [Side: Format] = [:]) {
    self.dialect = dialect
    self.payloads = payloads
    self.announcedFormats = announcedFormats
  }
}

extension Dialect {
  /// The rate of 16-bit mono PCM of one side unless an event says another. What is sent has ``defaultRate``; Gemini
  /// answers at 24 kHz (Google Cloud, "Send audio and video streams", November 2026), the others at the rate of what
  /// they are sent.
  public func defaultRate(of side: AudioEvent.Side) -> SampleRate {
    side == .received && self == .gemini ? .hz24000 : defaultRate
  }
}
