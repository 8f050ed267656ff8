// util.transform: filter objects as DynamoDB expressions, as OpenSearch queries, as subscription filters.
// https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-util-transform-js.html
function isMap(value) {
  return value !== null && typeof value === 'object' && !isArray(value);
}

// DynamoDB: what the service cannot render is null (recorded), and our log says why.
const UNRENDERED = { kind: 'unrendered' };
function unrendered(why) {
  UNRENDERED.why = why;
  throw UNRENDERED;
}
const COMPARISONS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };
const CALLS = { contains: 'contains', notContains: 'NOT contains', beginsWith: 'begins_with' };
const ATTRIBUTE_TYPES = {
  string: 'S', number: 'N', binary: 'B', boolean: 'BOOL', stringSet: 'SS', numberSet: 'NS', binarySet: 'BS', list: 'L',
  map: 'M', _null: 'NULL',
};
function has(object, name) {
  return Object.hasOwn(object, name);
}
function joined(parts, joiner) {
  return parts.length > 1 ? `(${parts.join(` ${joiner} `)})` : parts.join('');
}
function group(object, prefix, out) {
  if (!isMap(object)) unrendered('a filter is expected to be an object');
  const parts = [];
  for (const name of keys(object)) {
    const value = object[name];
    if (name === 'and' || name === 'or') {
      if (!isArray(value)) unrendered(`'${name}' expects a list`);
      parts.push(joined(value.map((each, index) => group(each, `${prefix}${name}_${index}_`, out)), name.toUpperCase()));
    } else if (name === 'not') parts.push(`(NOT ${group(value, `${prefix}not_`, out)})`);
    else parts.push(operators(`#${name}`, name, `${prefix}${name}`, value, out));
  }
  return parts.join(' AND ');
}
function operators(target, name, path, object, out) {
  if (!isMap(object)) unrendered(`'${name}' expects operators`);
  out.names[`#${name}`] = name;
  return joined(keys(object).map((operator) => condition(target, name, `${path}_${operator}`, operator, object[operator], out)), 'AND');
}
function condition(target, name, path, operator, value, out) {
  const bind = (suffix, bound) => {
    out.values[`:${path}${suffix}`] = toDynamoDB(bound);
    return `:${path}${suffix}`;
  };
  if (has(COMPARISONS, operator)) return `(${target} ${COMPARISONS[operator]} ${bind('', value)})`;
  if (has(CALLS, operator)) return `(${CALLS[operator]}(${target},${bind('', value)}))`;
  if (operator === 'between') {
    if (!isArray(value) || value.length < 2) unrendered("'between' expects two values");
    return `(${target} BETWEEN ${bind('_start', value[0])} AND ${bind('_end', value[1])})`;
  }
  if (operator === 'in') {
    if (!isArray(value)) unrendered("'in' expects a list");
    if (value.length === 0) return '(null)';
    return `(${target} IN (${value.map((each, index) => bind(`_${index}`, each)).join(', ')}))`;
  }
  if (operator === 'attributeExists') {
    if (typeof value !== 'boolean') unrendered("'attributeExists' expects a boolean");
    return `(attribute_${value ? '' : 'not_'}exists(${target}))`;
  }
  if (operator === 'attributeType') {
    if (!has(ATTRIBUTE_TYPES, value)) unrendered(`'${value}' is not an attribute type`);
    return `(attribute_type(${target},${bind('', ATTRIBUTE_TYPES[value])}))`;
  }
  if (operator === 'size') return operators(`size(#${name})`, name, path, value, out);
  return unrendered(`'${operator}' is not an operator`);
}
// {expression, expressionNames, expressionValues}, or null.
function dynamoDBExpression(object, caller) {
  const out = { names: {}, values: {} };
  try {
    const expression = group(object, '', out);
    return { expression, expressionNames: out.names, expressionValues: out.values };
  } catch (error) {
    if (error !== UNRENDERED) throw error;
    log('WARN', `${caller}: ${UNRENDERED.why}, the result is null`);
    return null;
  }
}
function expressionText(object, caller) {
  const expression = dynamoDBExpression(object, caller);
  return expression === null ? null : stringify(expression);
}

// OpenSearch's query language, as Amplify's resolvers use it.
function range(field, bounds) {
  return { range: { [field]: bounds } };
}
function between(field, value) {
  if (!isArray(value) || value.length !== 2) misuse("util.transform.toElasticsearchQueryDSL: 'range' expects two values");
  return range(field, { gte: value[0], lte: value[1] });
}
const SEARCHES = {
  eq: (field, value) => ({ term: { [field]: value } }),
  ne: (field, value) => ({ bool: { must_not: { term: { [field]: value } } } }),
  match: (field, value) => ({ match: { [field]: value } }),
  matchPhrase: (field, value) => ({ match_phrase: { [field]: value } }),
  matchPhrasePrefix: (field, value) => ({ match_phrase_prefix: { [field]: value } }),
  multiMatch: (field, value) => ({ multi_match: { fields: [field], query: value } }),
  exists: (field, value) => (value === false ? { bool: { must_not: { exists: { field } } } } : { exists: { field } }),
  wildcard: (field, value) => ({ wildcard: { [field]: value } }),
  prefix: (field, value) => ({ prefix: { [field]: value } }),
  in: (field, value) => ({ terms: { [field]: value } }),
  regexp: (field, value) => ({ regexp: { [field]: value } }),
  gt: (field, value) => range(field, { gt: value }),
  gte: (field, value) => range(field, { gte: value }),
  lt: (field, value) => range(field, { lt: value }),
  lte: (field, value) => range(field, { lte: value }),
  ge: (field, value) => range(field, { gte: value }),
  le: (field, value) => range(field, { lte: value }),
  range: (field, value) => between(field, value),
  between: (field, value) => between(field, value),
};
function must(queries) {
  return queries.length === 1 ? queries[0] : { bool: { must: queries } };
}
function searches(object) {
  if (!isMap(object)) misuse('util.transform.toElasticsearchQueryDSL expects an object');
  return keys(object).map((name) => {
    const value = object[name];
    if (name === 'and' || name === 'or') {
      if (!isArray(value)) misuse(`util.transform.toElasticsearchQueryDSL: '${name}' expects a list`);
      const queries = value.map((each) => must(searches(each)));
      return { bool: name === 'and' ? { must: queries } : { should: queries, minimum_should_match: 1 } };
    }
    if (name === 'not') return { bool: { must_not: must(searches(value)) } };
    if (!isMap(value)) misuse(`util.transform.toElasticsearchQueryDSL: '${name}' expects operators`);
    return must(keys(value).map((operator) => {
      if (!has(SEARCHES, operator)) misuse(`util.transform.toElasticsearchQueryDSL: '${operator}' is not an operator`);
      return SEARCHES[operator](name, value[operator]);
    }));
  });
}

// Subscriptions: a filter object multiplied out into groups (any) of filters (all).
// https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html
const MOST_GROUPS = 1000;
function crossed(groups, alternatives) {
  if (groups.length * alternatives.length > MOST_GROUPS) misuse(`a subscription filter of more than ${MOST_GROUPS} groups`);
  return groups.flatMap((each) => alternatives.map((alternative) => [...each, ...alternative]));
}
// Two operators on one field are alternatives; different fields, and the members of `and`, hold together.
function filterGroups(object, ignored) {
  let groups = [[]];
  for (const fieldName of keys(object)) {
    if (fieldName === 'and' || fieldName === 'or' || ignored.includes(fieldName)) continue;
    const found = object[fieldName];
    if (!isMap(found)) misuse(`toSubscriptionFilter: '${fieldName}' needs operators`);
    groups = crossed(groups, keys(found).map((operator) => [{ fieldName, operator, value: found[operator] }]));
  }
  for (const each of object.and || []) groups = crossed(groups, filterGroups(each, ignored));
  if (object.or) groups = crossed(groups, object.or.flatMap((each) => filterGroups(each, ignored)));
  return groups;
}
util.transform = {
  toDynamoDBFilterExpression: (object) => expressionText(object, 'util.transform.toDynamoDBFilterExpression'),
  toDynamoDBConditionExpression: (object) => expressionText(object, 'util.transform.toDynamoDBConditionExpression'),
  toElasticsearchQueryDSL: (object) => (object === null || object === undefined ? null : stringify(must(searches(object)))),
  toSubscriptionFilter: (object, ignoredFields, rules) => {
    if (!isMap(object)) return null;
    let groups = filterGroups(object, ignoredFields || []);
    if (rules && keys(rules).length) groups = crossed(groups, keys(rules).flatMap((name) => filterGroups({ [name]: rules[name] }, [])));
    return { filterGroup: groups.filter((each) => each.length).map((filters) => ({ filters })) };
  },
};
