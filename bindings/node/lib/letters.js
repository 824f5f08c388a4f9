'use strict'
// The dead letters of a queue that is a dead letter queue, and verbs on some of them.

const argument = require('./argument.js')
const data = require('./data.js')

const LETTERS = ['ids', 'fromId', 'reason', 'class', 'errorContains', 'queue', 'diedFromNs', 'diedBeforeNs']

const lettersOf = (given) => (given === undefined ? undefined : argument.options(given, LETTERS))

class DeadLetters {
  #native

  constructor(native) {
    this.#native = native
  }

  #call(verb, options) {
    return data.unpack(this.#native.call(`dead_letters_${verb}`, data.pack(options)))
  }

  async #callAsync(verb, options) {
    return data.unpack(await this.#native.callAsync(`dead_letters_${verb}`, data.pack(options)))
  }

  peek(letters, countMax = 100) {
    return this.#call('peek', { letters: lettersOf(letters), countMax })
  }

  async redrive(letters, options) {
    const { to, perSecond, keepFailures } = argument.options(options, ['to', 'perSecond', 'keepFailures'])
    return this.#callAsync('redrive', { letters: lettersOf(letters), to, perSecond, keepFailures })
  }

  async discard(letters) {
    return this.#callAsync('discard', { letters: lettersOf(letters) })
  }

  async export(path, letters) {
    return this.#callAsync('export', { letters: lettersOf(letters), path: argument.text('path', path) })
  }
}

module.exports = { DeadLetters }
