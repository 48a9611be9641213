/// What a service answers to what it cannot do.
struct ServiceError: Error, Equatable {
  var type = "invalid_request_error"
  var code: String
  var message: String
  var parameter: String?
}
