'use strict'
// A clock that stands still until it is moved, for tests.

const argument = require('./argument.js')

// Hubs begin at one second after 1970.
const START_NS = 1_000_000_000n

class ManualClock {
  #advancedNs = 0n
  // How each hub of this clock is moved.
  #hubs = new Map()

  get nowNs() {
    return START_NS + this.#advancedNs
  }

  advance(ms) {
    argument.wait('ms', ms)
    const byNs = BigInt(Math.round(ms * 1e6))
    this.#advancedNs += byNs
    for (const advance of this.#hubs.values()) advance(Number(byNs) / 1e6)
  }

  _join(hub, advance) {
    if (this.#advancedNs > 0n) advance(Number(this.#advancedNs) / 1e6)
    this.#hubs.set(hub, advance)
  }

  _leave(hub) {
    this.#hubs.delete(hub)
  }
}

module.exports = { ManualClock }
