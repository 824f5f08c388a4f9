'use strict'
// Options and answers of the verbs that are not hot, as they cross: JSON with snake_case names. Points in time (`...Ns`) are BigInt
// here and text of digits there.

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

function respelled(value, respell) {
  if (Array.isArray(value)) return value.map((one) => respelled(one, respell))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [respell(name), respelled(one, respell)]))
}

// Text for the native half. What is undefined is left out.
function pack(options) {
  return JSON.stringify(respelled(options, snake), (_name, value) => (typeof value === 'bigint' ? String(value) : value))
}

// What the native half answered.
function unpack(text) {
  return respelled(JSON.parse(text), camel)
}

module.exports = { pack, unpack }
