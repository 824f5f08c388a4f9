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
  if (NUMBERS.has(error.code)) return new RingmainError(error.code, respelled(error.message))
  const code = error.code === undefined || error.code === 'GenericFailure' ? 'INTERNAL' : 'INVALID_ARGUMENT'
  return new RingmainError(code, error.message, { cause: error })
}

// Options cross as text with other spellings; its errors use those, and say where in the text.
function respelled(message) {
  if (!/^(options|arguments) of /.test(message)) return message
  const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  const placed = message.replace(/ at line \d+ column \d+$/, '').replace(/^([^:]+: )([\w.]+)(?=: )/, (_, what, path) => what + camel(path))
  return placed.includes('unknown field') ? placed.replace(/`\w+`/g, camel) : placed
}

const invalid = (argument, detail) => new RingmainError('INVALID_ARGUMENT', `${argument}: ${detail}`)

const tooLarge = (what, bytes, limit) =>
  new RingmainError('TOO_LARGE', `${what} of ${bytes} bytes is over the limit of ${limit} bytes`)

module.exports = { RingmainError, translate, invalid, tooLarge }
