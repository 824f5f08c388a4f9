'use strict'
// Promises of what was accepted and is not over yet; src/line.rs is the other half. They end in the order in which they were made.

const argument = require('./argument.js')
const { RingmainError, translate } = require('./errors.js')
const { LineHandle } = require('./native.js')
const { WAIT_OPTIONS, keepAlive, nextToken, port, waiting } = require('./wait.js')

const TIMER_MS_MAX = 2 ** 31 - 1

// Something accepted: what became of it, and who wants to know.
class Entry {
  #ends = []
  isOver = false
  error
  value

  end(error, value) {
    this.isOver = true
    this.error = error
    if (value !== undefined) this.value = value
    for (const end of this.#ends) end()
    this.#ends.length = 0
  }

  // Calls `end` once it is over.
  whenOver(end) {
    if (this.isOver) end()
    else this.#ends.push(end)
  }

  leave(end) {
    const at = this.#ends.indexOf(end)
    if (at >= 0) this.#ends.splice(at, 1)
  }

  promise() {
    return new Promise((resolve, reject) => {
      this.whenOver(() => (this.error ? reject(this.error) : resolve(this.value)))
    })
  }
}

class Line {
  native = new LineHandle()
  #token = nextToken()
  #entries = []
  #head = 0

  // What was accepted with this value, of which the receipt is at the end of the native line unless it is over.
  add(value, isReached) {
    const entry = new Entry()
    entry.value = value
    if (isReached) {
      entry.end()
      return entry
    }
    this.#entries.push(entry)
    if (this.#entries.length - this.#head === 1) {
      waiting.set(this.#token, this)
      keepAlive.add(1)
      // Asked for at the end of the turn: what is accepted in one turn is waited for together.
      queueMicrotask(() => this.wake())
    }
    return entry
  }

  // Ends what is over.
  wake() {
    while (this.#head < this.#entries.length) {
      let ended
      try {
        ended = this.native.drain(port, this.#token)
      } catch (error) {
        ended = { positions: [], failures: [] }
        for (const entry of this.#entries.splice(this.#head)) entry.end(translate(error))
      }
      if (ended === null) return
      this.#end(ended)
    }
    if (waiting.delete(this.#token)) keepAlive.add(-1)
    this.#entries.length = this.#head = 0
  }

  #end({ positions, failures }) {
    let failure = 0
    for (let index = 0; index < positions.length / 2; index++) {
      const entry = this.#entries[this.#head]
      this.#entries[this.#head++] = undefined
      const partition = positions[2 * index]
      if (failures[failure]?.index === index) {
        const { code, message } = failures[failure++]
        entry.end(new RingmainError(code, message))
      } else {
        entry.end(undefined, Number.isNaN(partition) ? undefined : { partition, offset: positions[2 * index + 1] })
      }
    }
  }
}

// What a caller holds that did not wait.
class Receipt {
  #line
  #entry

  constructor(line, value, isReached) {
    this.#line = line
    this.#entry = line.add(value, isReached)
  }

  get value() {
    return this.#entry.value
  }

  isReached() {
    this.#line.wake()
    return this.#entry.isOver && this.#entry.error === undefined
  }

  async wait(given) {
    const { timeoutMs = Infinity, signal, unref = false } = argument.options(given, WAIT_OPTIONS)
    argument.wait('timeoutMs', timeoutMs)
    argument.signal(signal)
    signal?.throwIfAborted()
    const entry = this.#entry
    if (timeoutMs === Infinity && signal === undefined) return entry.promise()
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        entry.leave(over)
      }
      const over = () => {
        leave()
        if (entry.error) reject(entry.error)
        else resolve(entry.value)
      }
      const abort = () => {
        leave()
        reject(signal.reason)
      }
      const late = () => {
        leave()
        reject(new RingmainError('TIMEOUT', `the receipt was not reached within ${timeoutMs} ms`))
      }
      const timer = timeoutMs <= TIMER_MS_MAX ? setTimeout(late, timeoutMs) : undefined
      if (unref) timer?.unref()
      signal?.addEventListener('abort', abort, { once: true })
      entry.whenOver(over)
    })
  }
}

module.exports = { Line, Receipt }
