'use strict'
// Sends that are under way: promises that the native half wakes, with no thread behind them. src/hot/flight.rs is the other half.

const argument = require('./argument.js')
const { invalid } = require('./errors.js')
const hot = require('./hot.js')
const { keepAlive, nextToken, waiting } = require('./wait.js')

// A promise of the ids, once they have reached their durability.
function sendSoon(queue, packed, count) {
  const ids = new Float64Array(count)
  const token = nextToken()
  const flight = hot.sendSoon(queue.number, token, packed, ids)
  return flight < 0 ? ids : landing(flight, token, ids)
}

// A promise of a flight's end. A send keeps the process alive until then.
function landing(flight, token, ids) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      waiting.delete(token)
      keepAlive.add(-1)
      settle(value)
    }
    const wake = () => {
      try {
        if (hot.land(flight, token, ids)) end(resolve, ids)
      } catch (error) {
        end(reject, error)
      }
    }
    keepAlive.add(1)
    waiting.set(token, { wake })
    // It may have landed before this, or be polled for the first time.
    wake()
  })
}

const dropped = new FinalizationRegistry((flight) => hot.abandon(flight))

// What was sent and is perhaps not yet durable.
class SendReceipt {
  #id
  #flight
  #landed

  constructor({ id, flight }) {
    this.#id = id
    this.#flight = flight
    dropped.register(this, flight, this)
  }

  // The message's id.
  get value() {
    return this.#id
  }

  // Whether it has reached its durability. Looks, and does not wait.
  get isReached() {
    return this.#flight === undefined || (this.#landed === undefined && hot.look(this.#flight))
  }

  // A promise of the id, once it is durable.
  async wait(options) {
    const { signal } = argument.options(options, ['signal'])
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'an AbortSignal is needed')
    signal?.throwIfAborted()
    this.#landed ??= this.#land()
    if (signal === undefined) return this.#landed
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      this.#landed.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }

  async #land() {
    dropped.unregister(this)
    await landing(this.#flight, nextToken(), new Float64Array(1))
    this.#flight = undefined
    return this.#id
  }
}

module.exports = { SendReceipt, sendSoon }
