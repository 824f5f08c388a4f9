'use strict'
// Filters of readers on their way out; src/filter.rs is the other half.

const argument = require('../argument.js')
const { invalid } = require('../errors.js')

const FORMS = ['key', 'keys', 'hasHeader', 'header', 'all', 'any']
const DEPTH_MAX = 17

const u32 = (number) => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(number)
  return bytes
}
const bytesOf = (name, value) => {
  const bytes = argument.bytes(name, value)
  return [u32(bytes.length), bytes]
}
const listOf = (name, value) => {
  if (!Array.isArray(value)) throw invalid(name, `an array is needed, not ${argument.shown(value)}`)
  return value
}

// What is wanted: data for the native half, or a function that is asked for each record. Either may be missing.
function split(only) {
  if (only === undefined) return {}
  if (typeof only === 'function') return { predicate: only }
  return { packed: Buffer.concat(parts(only, 0)) }
}

function parts(filter, depth) {
  if (depth > DEPTH_MAX) throw invalid('only', `filters lie more than ${DEPTH_MAX - 1} deep in one another`)
  const names = Object.keys(argument.options(filter, FORMS)).filter((name) => filter[name] !== undefined)
  if (filter === undefined || names.length !== 1) throw invalid('only', `give one of ${FORMS.join(', ')}`)
  const [name] = names
  const value = filter[name]
  const tag = Buffer.from([FORMS.indexOf(name)])
  switch (name) {
    case 'key':
      return [tag, ...bytesOf('only.key', value)]
    case 'keys': {
      const keys = listOf('only.keys', value)
      return [tag, u32(keys.length), ...keys.flatMap((key) => bytesOf('only.keys', key))]
    }
    case 'hasHeader':
      return [tag, ...bytesOf('only.hasHeader', argument.text('only.hasHeader', value))]
    case 'header': {
      const [header, wanted] = listOf('only.header', value)
      return [tag, ...bytesOf('only.header', argument.text('only.header', header)), ...bytesOf('only.header', wanted)]
    }
    default: {
      const filters = listOf(`only.${name}`, value)
      return [tag, u32(filters.length), ...filters.flatMap((one) => parts(one, depth + 1))]
    }
  }
}

module.exports = { split }
