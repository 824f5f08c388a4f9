'use strict'
// An event stream, its readers and its consumer groups.

const argument = require('./argument.js')
const codec = require('./codec.js')
const { RingmainError, invalid } = require('./errors.js')
const { Poller, block } = require('./wait.js')

const APPEND_OPTIONS = ['key', 'headers', 'eventTimeNs']
const APPEND_MANY_OPTIONS = ['value', ...APPEND_OPTIONS]
const START_OPTIONS = ['offset', 'timeNs']
const FOLLOW_OPTIONS = ['signal', 'unref']
// How many records one poll takes where the caller does not say.
const POLL_COUNT = 500

class Stream {
  #hub
  #name
  #native

  constructor(hub, native, name) {
    this.#hub = hub
    this.#name = name
    this.#native = native
  }

  get name() {
    return this.#name
  }

  get partitions() {
    return this.#native.partitions()
  }

  append(value, options) {
    return this.#native.append(codec.pack(value, argument.options(options, APPEND_OPTIONS)))
  }

  async appendAsync(value, options) {
    return this.#native.appendAsync(codec.pack(value, argument.options(options, APPEND_OPTIONS)))
  }

  appendMany(messages) {
    return this.#native.appendMany(codec.packMany(messages, APPEND_MANY_OPTIONS))
  }

  async appendManyAsync(messages) {
    return this.#native.appendManyAsync(codec.packMany(messages, APPEND_MANY_OPTIONS))
  }

  reader(options) {
    const { start, partition } = argument.options(options, ['start', 'partition'])
    if (partition !== undefined) argument.number('partition', partition)
    return new Reader(this.#hub, this.#native.reader(startOf(start), partition))
  }

  group(name) {
    return new Group(this.#hub, this.#native, argument.text('name', name))
  }

  stats() {
    return { partitions: this.#native.stats() }
  }
}

// What readers and members have in common: records in order, by waiting or by blocking.
class Source {
  #native
  #poller

  constructor(hub, native) {
    this.#native = native
    this.#poller = new Poller(hub, native)
  }

  async poll(count = POLL_COUNT, options) {
    return recordsOf(await this.#poller.wait(argument.count(count), options))
  }

  pollSync(count = POLL_COUNT, timeoutMs = 0) {
    argument.count(count)
    return recordsOf(block(timeoutMs, (sliceMs) => this.#native.receive(count, sliceMs)))
  }

  seek(partition, offset) {
    this.#native.seek(argument.number('partition', partition), argument.number('offset', offset))
  }

  *[Symbol.iterator]() {
    for (let records = this.pollSync(); records.length > 0; records = this.pollSync()) yield* records
  }

  async *follow(options) {
    const { signal, unref } = argument.options(options, FOLLOW_OPTIONS)
    try {
      for (;;) yield* await this.poll(POLL_COUNT, { signal, unref })
    } catch (error) {
      // A closed hub, reader or member is the ordinary end of the loop.
      if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
    }
  }

  [Symbol.asyncIterator]() {
    return this.follow()
  }

  // Ends waits on what is being closed.
  _refuse(what) {
    this.#poller.refuse(new RingmainError('CLOSED', `${what} is closed`))
  }
}

class Reader extends Source {
  #native

  constructor(hub, native) {
    super(hub, native)
    this.#native = native
  }

  close() {
    this.#native.close()
    this._refuse('reader')
  }

  [Symbol.dispose]() {
    ignoreClosed(() => this.close())
  }
}

class Member extends Source {
  #native

  constructor(hub, native) {
    super(hub, native)
    this.#native = native
  }

  commit() {
    this.#native.commit()
  }

  async commitAsync() {
    return this.#native.commitAsync()
  }

  commitOffset(partition, offset) {
    this.#native.commitOffset(argument.number('partition', partition), argument.number('offset', offset))
  }

  assignment() {
    return this.#native.assignment()
  }

  leave() {
    this.#native.leave()
    this._refuse('member')
  }

  [Symbol.dispose]() {
    ignoreClosed(() => this.leave())
  }
}

class Group {
  #hub
  #native
  #name

  constructor(hub, native, name) {
    this.#hub = hub
    this.#native = native
    this.#name = name
  }

  get name() {
    return this.#name
  }

  join(options) {
    const { start } = argument.options(options, ['start'])
    return new Member(this.#hub, this.#native.join(this.#name, startOf(start)))
  }

  committed() {
    return this.#native.committed(this.#name)
  }

  lag() {
    return this.#native.lag(this.#name)
  }
}

class Record extends codec.Received {
  get partition() {
    return this._first
  }

  get offset() {
    return this._number
  }
}

function recordsOf(packed) {
  if (packed === null) return []
  return codec.unpack(packed, (at, _index, alone) => new Record(packed, at, alone))
}

// Where reading begins, as the native half takes it.
function startOf(start = 'earliest') {
  if (typeof start === 'string') return { at: start }
  const { offset, timeNs } = argument.options(start, START_OPTIONS)
  if (offset !== undefined) argument.number('start.offset', offset)
  if (timeNs !== undefined) argument.timeNs('start.timeNs', timeNs)
  if ((offset === undefined) === (timeNs === undefined)) {
    throw invalid('start', 'give "earliest", "latest", { offset } or { timeNs }')
  }
  return { offset, timeNs }
}

function ignoreClosed(close) {
  try {
    close()
  } catch (error) {
    if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
  }
}

module.exports = { Stream, Reader, Record, Group, Member }
