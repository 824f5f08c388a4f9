'use strict'
// What the core notices, told to whoever listens on this thread. src/notice.rs is the other half.

const addon = require('./addon.js')
const argument = require('./argument.js')
const data = require('./data.js')
const { invalid, translate } = require('./errors.js')
const { nextToken, port, waiting } = require('./wait.js')

// Calls `listener` with each notice of at least a level, until the function that this returns is called.
function onNotice(listener, options) {
  if (typeof listener !== 'function') throw invalid('listener', `a function is needed, not ${argument.shown(listener)}`)
  const { level = 'info' } = argument.options(options, ['level'])
  const token = nextToken()
  const native = listening(token, argument.text('level', level))
  const wake = () => {
    const { notices, missed } = native.take()
    for (const notice of notices) listener(data.unpack(notice))
    if (missed > 0) {
      const message = 'more was noticed than the event loop had time for'
      listener({ name: 'notices_missed', level: 'warn', message, fields: { count: missed } })
    }
  }
  waiting.set(token, { wake })
  return () => {
    waiting.delete(token)
    native.close()
  }
}

function listening(token, level) {
  try {
    return new addon.NoticeListener(port, token, level)
  } catch (error) {
    throw translate(error)
  }
}

module.exports = { onNotice }
