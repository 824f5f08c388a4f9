'use strict'
// Where reading begins and ends, as the native half takes it.

const argument = require('../argument.js')
const { invalid } = require('../errors.js')

const PLACES = ['offset', 'timeNs']
const RESETS = ['fail', 'earliest', 'latest']

function placeOf(name, given, words) {
  if (typeof given === 'string') return { at: given }
  const { offset, timeNs } = argument.options(given, PLACES)
  if (offset !== undefined) argument.number(`${name}.offset`, offset)
  if (timeNs !== undefined) argument.timeNs(`${name}.timeNs`, timeNs)
  if ((offset === undefined) === (timeNs === undefined)) {
    throw invalid(name, `give ${words}, { offset } or { timeNs }`)
  }
  return { offset, timeNs }
}

const startOf = (start = 'earliest') => placeOf('start', start, '"earliest", "latest"')
const endOf = (until) => placeOf('until', until, '"now"')

module.exports = { RESETS, endOf, startOf }
