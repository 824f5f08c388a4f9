'use strict'
// Consumer groups and their members.

const argument = require('../argument.js')
const { RingmainError, invalid } = require('../errors.js')
const data = require('../data.js')
const { Line, Receipt } = require('../receipt.js')
const { Record } = require('./records.js')
const { Source, ignoreClosed } = require('./source.js')
const { RESETS, startOf } = require('./start.js')

const JOIN_OPTIONS = [
  'start', 'memberName', 'sessionTimeoutMs', 'maxPollIntervalMs', 'revokeTimeoutMs', 'onOutOfRange', 'commitMode',
  'onAssign', 'onRevoke', 'onLost'
]
const COMMIT_MODES = ['manual', 'onPoll', 'atMostOnce']

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

  join(given) {
    const { options, callbacks } = joinOptions(given)
    return new Member(this.#hub, this.#native.join(this.#name, options), callbacks)
  }

  async joinAsync(given) {
    const { options, callbacks } = joinOptions(given)
    return new Member(this.#hub, await this.#native.joinAsync(this.#name, options), callbacks)
  }

  committed() {
    return data.unpack(this.#native.call('group_committed', data.pack({ name: this.#name })))
  }

  lag() {
    return data.unpack(this.#native.call('group_lag', data.pack({ name: this.#name })))
  }
}

// How a member joins, and whom to call.
function joinOptions(given) {
  const { start, onAssign, onRevoke, onLost, ...options } = argument.options(given, JOIN_OPTIONS)
  const callbacks = {
    assign: argument.callback('onAssign', onAssign),
    revoke: argument.callback('onRevoke', onRevoke),
    lost: argument.callback('onLost', onLost)
  }
  if (options.memberName !== undefined) argument.text('memberName', options.memberName)
  for (const name of ['sessionTimeoutMs', 'maxPollIntervalMs', 'revokeTimeoutMs']) {
    if (options[name] !== undefined) argument.number(name, options[name])
  }
  if (options.onOutOfRange !== undefined) argument.word('onOutOfRange', options.onOutOfRange, RESETS)
  if (options.commitMode !== undefined) argument.word('commitMode', options.commitMode, COMMIT_MODES)
  const hasCallbacks = Object.values(callbacks).some((callback) => callback !== undefined)
  // Only a group that has committed before is joined without a start.
  if (start !== 'committed') options.start = startOf(start)
  return { options: { ...options, hasCallbacks }, callbacks: hasCallbacks ? callbacks : undefined }
}

class Member extends Source {
  #native
  #callbacks
  #line = new Line()

  constructor(hub, native, callbacks) {
    super(hub, native)
    this.#native = native
    this.#callbacks = callbacks
  }

  // All callbacks are called, whatever one of them throws; then the first error is thrown.
  _tell() {
    if (this.#callbacks === undefined) return
    const errors = []
    for (const { what, partitions } of this.#native.turns()) {
      try {
        // One that is async goes on by itself; its error ends the next wait.
        this.#callbacks[what]?.(partitions, this)?.then?.(undefined, (error) => this.#failed(error))
      } catch (error) {
        errors.push(error)
      }
    }
    const late = this.#late
    this.#late = []
    for (const error of [...late, ...errors]) throw error
  }

  #late = []

  #failed(error) {
    this.#late.push(error)
    this._wake()
  }

  // A verb on the pool. Polls wait until it is over, and do not block the event loop.
  async #pooled(promise) {
    try {
      return await promise
    } finally {
      this._wake()
    }
  }

  commit() {
    this.#native.commit()
    this._tell()
  }

  async commitAsync() {
    return this.submitCommit().wait()
  }

  submitCommit() {
    const isReached = this.#native.submitCommit(this.#line.native)
    const receipt = new Receipt(this.#line, undefined, isReached)
    this._tell()
    return receipt
  }

  commitOffset(partition, offset) {
    this.#native.commitOffset(argument.number('partition', partition), argument.number('offset', offset))
    this._tell()
  }

  async commitOffsetAsync(partition, offset) {
    argument.number('partition', partition)
    argument.number('offset', offset)
    return this.#pooled(this.#native.commitOffsetAsync(partition, offset))
  }

  done(record) {
    if (!(record instanceof Record)) throw invalid('record', `a Record is needed, not ${argument.shown(record)}`)
    this.#native.done(record.partition, record.offset, record._doneFrom)
  }

  // Marks many: three numbers of each. How many were looked at, and of those, how many are somebody else's by now.
  _doneMany(numbers) {
    return this.#native.doneMany(numbers)
  }

  commitDone() {
    this.#native.commitDone()
    this._tell()
  }

  async commitDoneAsync() {
    return this.#pooled(this.#native.commitDoneAsync())
  }

  rewind(partition, offset) {
    this.#native.rewind(argument.number('partition', partition), argument.number('offset', offset))
    this._tell()
  }

  async rewindAsync(partition, offset) {
    argument.number('partition', partition)
    argument.number('offset', offset)
    return this.#pooled(this.#native.rewindAsync(partition, offset))
  }

  assignment() {
    const assignment = this.#native.assignment()
    this._tell()
    return assignment
  }

  revoking() {
    return this.#native.revoking()
  }

  confirmRevoke(partition) {
    this.#native.confirmRevoke(argument.number('partition', partition))
  }

  processing() {
    return new Processing(this.#native.processing())
  }

  leave() {
    this.#native.leave()
    this._refuse(new RingmainError('CLOSED', 'member is closed'))
  }

  [Symbol.dispose]() {
    ignoreClosed(() => this.leave())
  }

  async [Symbol.asyncDispose]() {
    this[Symbol.dispose]()
  }
}

// Says that a handler of a member's records is running, until it is ended.
class Processing {
  #native

  constructor(native) {
    this.#native = native
  }

  end() {
    this.#native.end()
  }

  [Symbol.dispose]() {
    this.end()
  }
}

module.exports = { Group, Member, Processing }
