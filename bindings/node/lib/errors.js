'use strict'
// The one class of errors. Its codes are the table of the native half.

const addon = require('./addon.js')

const NUMBERS = new Map(addon.codes().map(({ name, number }) => [name, number]))

class RingmainError extends Error {
  constructor(code, message, options) {
    super(message, options)
    this.code = code
    this.number = NUMBERS.get(code)
  }

  get name() {
    return 'RingmainError'
  }
}

// What the native half threw, as what users see. A code that is not in the table is napi's own word for an argument
// of the wrong type; its GenericFailure is for what should not happen.
function translate(error) {
  if (error instanceof RingmainError || !(error instanceof Error)) return error
  if (NUMBERS.has(error.code)) return new RingmainError(error.code, error.message)
  const code = error.code === undefined || error.code === 'GenericFailure' ? 'INTERNAL' : 'INVALID_ARGUMENT'
  return new RingmainError(code, error.message, { cause: error })
}

const invalid = (argument, detail) => new RingmainError('INVALID_ARGUMENT', `${argument}: ${detail}`)

const tooLarge = (what, bytes, limit) =>
  new RingmainError('TOO_LARGE', `${what} of ${bytes} bytes is over the limit of ${limit} bytes`)

module.exports = { RingmainError, translate, invalid, tooLarge }
