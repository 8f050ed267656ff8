// @aws-appsync/utils/dynamodb: requests from plain values. Absent and null options are left out.
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-modules-js.html
function payloadOf(payload, name) {
  if (!isMap(payload)) misuse(`${name} expects an object`);
  return payload;
}
function typedMap(value, what) {
  if (!isMap(value)) misuse(`${what} is expected to be an object`);
  return toMapValues(value);
}
function withOptions(request, options) {
  for (const name of keys(options)) {
    if (options[name] !== undefined && options[name] !== null) request[name] = options[name];
  }
  return request;
}
// An expression that binds nothing has no values at all (recorded).
function moduleExpression(filter, caller) {
  if (filter === undefined || filter === null) return null;
  const expression = dynamoDBExpression(filter, caller);
  if (expression !== null && keys(expression.expressionValues).length === 0) delete expression.expressionValues;
  return expression;
}
// Each segment of each path has one alias (recorded).
function projectionOf(paths) {
  if (!isArray(paths) || paths.length === 0) return null;
  const aliases = {};
  const expressionNames = {};
  let count = 0;
  const alias = (segment) => {
    const bare = segment.split('[')[0];
    if (!has(aliases, bare)) {
      count += 1;
      aliases[bare] = `#expName_${count}`;
      expressionNames[aliases[bare]] = bare;
    }
    return aliases[bare] + segment.slice(bare.length);
  };
  const expression = paths.map((path) => text(path, 'projection').split('.').map(alias).join('.')).join(', ');
  return { expression, expressionNames };
}

const operation = (type, members) => ({ type: `OPERATION_${type}`, ...members });
const operations = {
  add: (value) => operation('ADD', { value }),
  replace: (value) => operation('REPLACE', { value }),
  remove: () => operation('REMOVE', {}),
  increment: (by) => operation('INCREMENT', { by }),
  decrement: (by) => operation('DECREMENT', { by }),
  append: (items) => operation('APPEND', { items }),
  prepend: (items) => operation('PREPEND', { items }),
  updateListItem: (value, index) => operation('UPDATE_LIST_ITEM', { value, index }),
};
function operationType(value) {
  const type = isMap(value) && typeof value.type === 'string' ? value.type : '';
  return type.startsWith('OPERATION_') && has(WRITTEN, type.slice(10)) ? type.slice(10) : null;
}
const step = (by) => (by === undefined || by === null ? 1 : by);
// How each operation is written, from the attribute's alias and a function that binds a value.
const WRITTEN = {
  ADD: (name, bind, it) => `${name} = ${bind(it.value)}`,
  REPLACE: (name, bind, it) => `${name} = ${bind(it.value)}`,
  INCREMENT: (name, bind, it) => `${name} = ${name} + ${bind(step(it.by))}`,
  DECREMENT: (name, bind, it) => `${name} = ${name} - ${bind(step(it.by))}`,
  APPEND: (name, bind, it) => `${name} = list_append(${name}, ${bind(it.items)})`,
  PREPEND: (name, bind, it) => `${name} = list_append(${bind(it.items)}, ${name})`,
  UPDATE_LIST_ITEM: (name, bind, it) => `${name}[${it.index}] = ${bind(it.value)}`,
  REMOVE: (name) => name,
};
// SET clauses come before REMOVE clauses, and aliases are numbered in the order they come out (recorded).
function updateExpression(update) {
  if (!isMap(update)) misuse("'update' is expected to be an object");
  const clauses = { SET: [], REMOVE: [] };
  for (const field of keys(update)) {
    const value = update[field];
    const listed = isArray(value) && value.length > 0 && value.every((each) => operationType(each) === 'UPDATE_LIST_ITEM');
    for (const each of listed ? value : [value]) {
      const type = operationType(each);
      clauses[type === 'REMOVE' ? 'REMOVE' : 'SET'].push([field, type || 'REPLACE', type ? each : { value: each }]);
    }
  }
  const aliases = {};
  const out = { expression: '', expressionNames: {}, expressionValues: {} };
  let named = 0;
  let bound = 0;
  const bind = (value) => {
    bound += 1;
    out.expressionValues[`:expValue_${bound}`] = toDynamoDB(value);
    return `:expValue_${bound}`;
  };
  const write = ([field, type, it]) => {
    if (!has(aliases, field)) {
      named += 1;
      aliases[field] = `#expName_${named}`;
      out.expressionNames[aliases[field]] = field;
    }
    return WRITTEN[type](aliases[field], bind, it);
  };
  out.expression = keys(clauses)
    .filter((keyword) => clauses[keyword].length)
    .map((keyword) => `${keyword} ${clauses[keyword].map(write).join(', ')}`)
    .join(' ');
  return out;
}
function keyed(name, payload) {
  return { operation: name, key: typedMap(payload.key, "'key'") };
}
function versioned(payload, caller) {
  return {
    condition: moduleExpression(payload.condition, caller), customPartitionKey: payload.customPartitionKey,
    populateIndexFields: payload.populateIndexFields, _version: payload._version,
  };
}
function tablesOf(payload, name, each) {
  const { tables } = payloadOf(payload, name);
  if (!isMap(tables)) misuse(`${name} expects 'tables' to be an object`);
  const out = {};
  for (const table of keys(tables)) out[table] = each(tables[table]);
  return out;
}
function listed(value, what) {
  return isArray(value) ? value : misuse(`${what} expects a list`);
}
function pages(payload, caller) {
  return {
    index: payload.index, limit: payload.limit, nextToken: payload.nextToken, consistentRead: payload.consistentRead,
    scanIndexForward: payload.scanIndexForward, select: payload.select, segment: payload.segment,
    totalSegments: payload.totalSegments, filter: moduleExpression(payload.filter, caller),
    projection: projectionOf(payload.projection),
  };
}
const TRANSACTED = {
  putItem: (it) => ({ operation: 'PutItem', key: typedMap(it.key, "'key'"), attributeValues: typedMap(it.item, "'item'") }),
  updateItem: (it) => ({ operation: 'UpdateItem', key: typedMap(it.key, "'key'"), update: updateExpression(it.update) }),
  deleteItem: (it) => ({ operation: 'DeleteItem', key: typedMap(it.key, "'key'") }),
  conditionCheck: (it) => ({ operation: 'ConditionCheck', key: typedMap(it.key, "'key'") }),
};
const dynamodbModule = {
  get: (payload) => {
    payloadOf(payload, 'get');
    return withOptions(keyed('GetItem', payload), { consistentRead: payload.consistentRead, projection: projectionOf(payload.projection) });
  },
  put: (payload) => {
    payloadOf(payload, 'put');
    return withOptions({ ...keyed('PutItem', payload), attributeValues: typedMap(payload.item, "'item'") }, versioned(payload, 'put'));
  },
  update: (payload) => {
    payloadOf(payload, 'update');
    return withOptions({ ...keyed('UpdateItem', payload), update: updateExpression(payload.update) }, versioned(payload, 'update'));
  },
  remove: (payload) => {
    payloadOf(payload, 'remove');
    return withOptions(keyed('DeleteItem', payload), versioned(payload, 'remove'));
  },
  query: (payload) => {
    payloadOf(payload, 'query');
    return withOptions({ operation: 'Query', query: moduleExpression(payload.query, 'query') }, pages(payload, 'query'));
  },
  scan: (payload = {}) => withOptions({ operation: 'Scan' }, pages(payloadOf(payload, 'scan'), 'scan')),
  sync: (payload = {}) => {
    payloadOf(payload, 'sync');
    return withOptions({ operation: 'Sync' }, {
      basePartitionKey: payload.basePartitionKey, deltaIndexName: payload.deltaIndexName, limit: payload.limit,
      nextToken: payload.nextToken, lastSync: payload.lastSync, filter: moduleExpression(payload.filter, 'sync'),
    });
  },
  batchGet: (payload) => ({
    operation: 'BatchGetItem',
    tables: tablesOf(payload, 'batchGet', (table) => withOptions(
      { keys: listed(table.keys, 'batchGet').map((key) => typedMap(key, 'a key')) },
      { consistentRead: table.consistentRead, projection: projectionOf(table.projection) },
    )),
  }),
  batchPut: (payload) => ({
    operation: 'BatchPutItem',
    tables: tablesOf(payload, 'batchPut', (items) => listed(items, 'batchPut').map((item) => typedMap(item, 'an item'))),
  }),
  batchDelete: (payload) => ({
    operation: 'BatchDeleteItem',
    tables: tablesOf(payload, 'batchDelete', (each) => listed(each, 'batchDelete').map((key) => typedMap(key, 'a key'))),
  }),
  transactGet: (payload) => ({
    operation: 'TransactGetItems',
    transactItems: listed(payloadOf(payload, 'transactGet').items, 'transactGet').map((item) => withOptions(
      { table: item.table, key: typedMap(item.key, "'key'") },
      { projection: projectionOf(item.projection) },
    )),
  }),
  transactWrite: (payload) => ({
    operation: 'TransactWriteItems',
    transactItems: listed(payloadOf(payload, 'transactWrite').items, 'transactWrite').map((item) => {
      for (const name of keys(TRANSACTED)) {
        if (!isMap(item) || !isMap(item[name])) continue;
        const it = item[name];
        return withOptions({ table: it.table, ...TRANSACTED[name](it) }, { condition: moduleExpression(it.condition, 'transactWrite') });
      }
      return misuse('transactWrite expects items with putItem, updateItem, deleteItem or conditionCheck');
    }),
  }),
  toStringSet: (values) => ({ SS: values }),
  toNumberSet: (values) => ({ NS: values }),
  toBinarySet: (values) => ({ BS: values }),
  operations,
};
