'use strict'
// Copies of a hub, and verbs on directories that nobody has open.

const addon = require('./addon.js')
const argument = require('./argument.js')
const data = require('./data.js')
const { invalid, translate } = require('./errors.js')
const { nextToken, port, waiting } = require('./wait.js')

// Copies a hub; `onProgress` hears how far it has come, `signal` stops it.
async function snapshot(native, into, signal, onProgress) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'an AbortSignal is needed')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw invalid('onProgress', 'a function is needed')
  signal?.throwIfAborted()
  const token = nextToken()
  const watch = new addon.SnapshotWatch(port, token)
  const stop = () => watch.stop()
  waiting.set(token, { wake: () => onProgress?.(watch.progress()) })
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const copied = await native.snapshotAsync(into, watch)
    if (copied === null) throw signal.reason
    return data.unpack(copied)
  } finally {
    waiting.delete(token)
    signal?.removeEventListener('abort', stop)
  }
}

async function call(verb, options) {
  try {
    return data.unpack(await addon.globalCallAsync(verb, data.pack(options)))
  } catch (error) {
    throw translate(error)
  }
}

const verify = async (directory) => call('verify', { directory: argument.text('directory', directory) })

const restore = async (directory, into) =>
  call('restore', { snapshot: argument.text('snapshot', directory), into: argument.text('into', into) })

const salvage = async (directory, into) =>
  call('salvage', { directory: argument.text('directory', directory), into: argument.text('into', into) })

module.exports = { restore, salvage, snapshot, verify }
