// @aws-appsync/utils/rds: SQL with bound values. Sentences of misuse are the service's (recorded) where it is known.
// https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-rds-js.html
const HINTS = ['DATE', 'DECIMAL', 'JSON', 'TIME', 'TIMESTAMP', 'UUID'];
const typeHint = {};
for (const type of HINTS) {
  typeHint[type] = (value) => ({ type, value: value instanceof NativeDate ? value.toISOString() : value });
}
const AGGREGATES = { max: 'MAX', min: 'MIN', count: 'COUNT', avg: 'AVG', sum: 'SUM' };
const agg = {};
for (const name of keys(AGGREGATES)) {
  agg[name] = (column) => ({ aggregate: AGGREGATES[name], distinct: false, column });
  agg[`${name}Distinct`] = (column) => ({ aggregate: AGGREGATES[name], distinct: true, column });
}
// Joins by their keys, in the order in which they are written.
const JOINS = {
  join: 'JOIN', innerJoin: 'INNER JOIN', leftJoin: 'LEFT JOIN', leftOuterJoin: 'LEFT OUTER JOIN', rightJoin: 'RIGHT JOIN',
  rightOuterJoin: 'RIGHT OUTER JOIN', fullOuterJoin: 'FULL OUTER JOIN', crossJoin: 'CROSS JOIN', joinNatural: 'NATURAL JOIN',
  innerJoinNatural: 'NATURAL INNER JOIN', leftJoinNatural: 'NATURAL LEFT JOIN', leftOuterJoinNatural: 'NATURAL LEFT OUTER JOIN',
  rightJoinNatural: 'NATURAL RIGHT JOIN', rightOuterJoinNatural: 'NATURAL RIGHT OUTER JOIN', fullOuterJoinNatural: 'NATURAL FULL OUTER JOIN',
};
const SQL_COMPARISONS = { eq: '=', ne: '!=', gt: '>', lt: '<', ge: '>=', le: '<=' };

function statement(type, verb) {
  return (properties) => {
    if (properties === undefined) misuse(`An argument is expected to be passed to ${verb}`);
    if (!isMap(properties)) misuse('Expected payload to be an Object.');
    return { type, properties };
  };
}
function sql(strings, ...bound) {
  if (!isArray(strings) || strings.length !== bound.length + 1) {
    misuse('java.lang.IllegalArgumentException: Unexpected argument passed to sql tagged template');
  }
  return { strings: [...strings], keys: bound };
}
const isTemplate = (value) => isMap(value) && isArray(value.strings) && isArray(value.keys);
const isStatement = (value) => isMap(value) && typeof value.type === 'string' && isMap(value.properties);

// Fragments that are empty fall away, also where what is left is no SQL (recorded).
function clauses(parts) {
  return parts.filter((part) => part !== '' && !nothing(part)).join(' ').trimEnd();
}
function builder(quote, caller) {
  const out = { statements: [], variableMap: {}, variableTypeHintMap: {} };
  let count = 0;
  const variable = (value) => {
    const name = `:P${count}`;
    count += 1;
    const hinted = isMap(value) && HINTS.includes(value.type) && has(value, 'value');
    out.variableMap[name] = hinted ? value.value : value instanceof NativeDate ? value.toISOString() : value;
    if (hinted) out.variableTypeHintMap[name] = value.type;
    return name;
  };
  const valued = (value) => (nothing(value) ? 'NULL' : variable(value));
  const identifier = (name) => (name === '*' ? name : name.split('.').map((part) => quote + part.split(quote).join(quote + quote) + quote).join('.'));
  const template = (each) => {
    let written = each.strings[0];
    for (let i = 0; i < each.keys.length; i++) written += variable(each.keys[i]) + each.strings[i + 1];
    return written;
  };
  const nested = (each) => (isTemplate(each) ? template(each) : select(each.properties));
  const aliased = (map, what) => {
    const entries = keys(map);
    if (entries.length > 1) misuse('table alias is allowed only one key-value pair.');
    if (entries.length === 0) misuse('java.util.NoSuchElementException');
    const [alias] = entries;
    const actual = map[alias];
    if (isTemplate(actual) || isStatement(actual)) return `(${nested(actual)}) as ${identifier(alias)}`;
    if (typeof actual !== 'string') misuse(`${what} alias value is expected to be a string.`);
    return `${identifier(actual)} as ${identifier(alias)}`;
  };
  const table = (name) => {
    if (typeof name === 'string') return identifier(name);
    if (!isMap(name)) misuse('table name is expected to be a string or alias.');
    return aliased(name, 'Table');
  };
  const source = (properties, allowFrom) => {
    const from = allowFrom ? properties.from : null;
    if (!nothing(properties.table) && !nothing(from)) misuse("'from' and 'table' keys cannot be used together");
    if (!nothing(properties.table)) return table(properties.table);
    if (nothing(from)) misuse("'table' or 'from' key is required.");
    if (isTemplate(from) || isStatement(from)) return `(${nested(from)})`;
    if (typeof from !== 'string' && !isMap(from)) misuse("'from' value is expected to be string or object.");
    return table(from);
  };
  const column = (each) => {
    if (typeof each === 'string') return identifier(each);
    if (isMap(each) && typeof each.aggregate === 'string') {
      return `${each.aggregate}(${each.distinct ? 'DISTINCT ' : ''}${identifier(text(each.column, 'agg'))})`;
    }
    if (isMap(each)) {
      const [alias] = keys(each);
      if (alias !== undefined && isMap(each[alias]) && typeof each[alias].aggregate === 'string') return `${column(each[alias])} as ${identifier(alias)}`;
      return aliased(each, 'Column');
    }
    return misuse('Invalid type in column array.');
  };
  const columns = (list) => {
    if (list === '*') return list;
    if (!isArray(list)) misuse('Expected column to be * or an array.');
    return list.map(column).join(', ');
  };
  const present = (value, path) => (nothing(value) ? misuse(`Value for ${path} can't be null.`) : value);
  const string = (value, path) => (typeof present(value, path) === 'string' ? value : misuse(`${path} expects a string value to be passed.`));
  const between = (target, value, path) => {
    if (!isArray(value)) misuse(`${path} condition expects an array with length of 2.`);
    if (value.length !== 2) misuse(`${path} condition expects an array with 2 values but received an array with length ${value.length}.`);
    return `${target} BETWEEN ${valued(value[0])} AND ${valued(value[1])}`;
  };
  const measured = (target, value, path, kind) => {
    if (!isMap(value)) misuse(`Expected ${path} to be an Object.`);
    return keys(value).map((operator) => {
      if (operator === 'between') return between(target, value[operator], path);
      if (!has(SQL_COMPARISONS, operator)) misuse(`${path} has invalid ${kind} operator.`);
      return `${target} ${SQL_COMPARISONS[operator]} ${valued(value[operator])}`;
    }).join(' AND ');
  };
  const test = (name, operator, value) => {
    const target = identifier(name);
    const path = `${name}.${operator}`;
    if (operator === 'size') return measured(`LENGTH (${target})`, value, path, 'size');
    const aggregate = operator.endsWith('Distinct') ? operator.slice(0, -8) : operator;
    if (has(AGGREGATES, aggregate)) {
      return measured(`${AGGREGATES[aggregate]}(${aggregate === operator ? '' : 'DISTINCT '}${target})`, value, path, operator);
    }
    if (operator === 'between') return between(target, value, path);
    if (operator === 'attributeExists') {
      if (typeof present(value, path) !== 'boolean') misuse(`${path} expects a boolean value to be passed.`);
      return `${target} IS ${value ? 'NOT ' : ''}NULL`;
    }
    if (operator === 'contains') return `${target} LIKE ${variable(`%${string(value, path)}%`)}`;
    if (operator === 'beginsWith') return `${target} LIKE ${variable(`${string(value, path)}%`)}`;
    if (operator === 'notContains') return `${target} NOT LIKE ${variable(string(value, path))}`;
    if (!has(SQL_COMPARISONS, operator)) misuse(`Unsupported condition ${path}.`);
    return `${target} ${SQL_COMPARISONS[operator]} ${variable(present(value, path))}`;
  };
  const parenthesised = (written, grouped) => (written !== '' && grouped ? `(${written})` : written);
  const conditions = (where, grouped, joiner) => keys(where).map((key) => {
    if (key === 'and' || key === 'or') {
      if (!isArray(where[key])) misuse(`${key} expects conditions to be an array`);
      const parts = where[key].map((part) => {
        if (!isMap(part) || isTemplate(part)) misuse(`Expected ${key} to be an Object.`);
        return conditions(part, true, key.toUpperCase());
      });
      return parenthesised(parts.join(` ${key.toUpperCase()} `), grouped);
    }
    if (key === 'not' && isArray(where[key])) {
      const parts = where[key].map((part) => conditions(isMap(part) ? part : misuse('Expected not to be an Object.'), true, 'AND'));
      return parts.length ? parenthesised(`NOT (${parts.join(' AND ')})`, grouped) : '';
    }
    if (!isMap(where[key])) misuse('Expected condition to be an Object.');
    return parenthesised(keys(where[key]).map((operator) => test(key, operator, where[key][operator])).join(' AND '), grouped);
  }).join(` ${joiner} `);
  const filtered = (keyword, where) => {
    if (nothing(where)) return '';
    if (!isMap(where)) misuse(`${keyword} values are expected to be SQL templates or a condition object.`);
    const written = isTemplate(where) ? template(where) : conditions(where, false, 'AND');
    return written ? `${keyword} ${written}` : '';
  };
  const joins = (properties) => keys(JOINS).filter((name) => !nothing(properties[name])).flatMap((name) => {
    if (!isArray(properties[name])) misuse(`${name} expects an array.`);
    return properties[name].map((join) => {
      if (!isMap(join)) misuse(`${name} item expected to be an object.`);
      const using = nothing(join.using) ? '' : `USING (${columns(join.using)})`;
      return clauses([JOINS[name], source(join, true), using, filtered('ON', join.on)]);
    });
  });
  const ordered = (list) => {
    if (nothing(list)) return '';
    if (!isArray(list)) misuse('orderBy expects an array.');
    const written = list.map((item) => {
      if (!isMap(item)) misuse('orderBy item expected to be an object.');
      if (typeof item.column !== 'string') misuse('orderBy item expected to have property column.');
      const direction = typeof item.dir === 'string' ? item.dir.toUpperCase() : 'ASC';
      if (direction !== 'ASC' && direction !== 'DESC') misuse(`orderBy dir can have either ASC or DESC found ${item.dir}.`);
      return `${identifier(item.column)} ${direction}`;
    });
    return written.length ? `ORDER BY ${written.join(', ')}` : '';
  };
  const grouping = (list) => {
    if (nothing(list)) return '';
    if (!isArray(list)) misuse('groupBy expects an array.');
    const written = list.map((each) => (isInteger(each) ? `${each}` : identifier(text(each, 'groupBy'))));
    return written.length ? `GROUP BY ${written.join(', ')}` : '';
  };
  const counted = (keyword, value) => {
    if (nothing(value)) return '';
    const read = value === '' || typeof value === 'object' ? NaN : +value;
    if (read !== read) misuse(`${keyword.toLowerCase()} expects a number.`);
    return `${keyword} ${variable(read)}`;
  };
  const select = (p) => clauses([
    'SELECT', nothing(p.columns) ? '*' : columns(p.columns), `FROM ${source(p, true)}`, ...joins(p), filtered('WHERE', p.where),
    grouping(p.groupBy), filtered('HAVING', p.having), ordered(p.orderBy), counted('LIMIT', p.limit), counted('OFFSET', p.offset),
  ]);
  const returned = (list) => {
    if (nothing(list)) return '';
    const written = columns(list);
    if (quote === '`') misuse('returning is not supported in MySQL.');
    return `RETURNING ${written}`;
  };
  const values = (p, verb) => {
    if (nothing(p.values)) misuse(`values are expected to be passed to ${verb}`);
    return isMap(p.values) ? p.values : misuse('Expected values to an Object.');
  };
  const write = {
    SELECT: select,
    INSERT: (p) => {
      const given = values(p, 'insert');
      const into = source(p, false);
      const names = keys(given);
      const listedValues = names.map((name) => valued(given[name])).join(', ');
      return clauses([`INSERT INTO ${into}`, `(${names.map(identifier).join(', ')}) VALUES (${listedValues})`, returned(p.returning)]);
    },
    UPDATE: (p) => {
      const given = values(p, 'update');
      const target = source(p, false);
      const sets = keys(given).map((name) => `${identifier(name)} = ${valued(given[name])}`).join(', ');
      return clauses([`UPDATE ${target} SET`, sets, filtered('WHERE', p.where), returned(p.returning)]);
    },
    REMOVE: (p) => clauses([`DELETE FROM ${source(p, false)}`, filtered('WHERE', p.where), returned(p.returning)]),
  };
  return (...given) => {
    if (given.length === 0 || given[0] === undefined) misuse(`An argument is expected to be passed to ${caller}`);
    for (const each of given.filter((one, index) => index === 0 || !nothing(one))) {
      if (typeof each === 'string') out.statements.push(each);
      else if (isTemplate(each)) out.statements.push(template(each));
      else if (isStatement(each) && has(write, each.type)) out.statements.push(write[each.type](each.properties));
      else misuse(`Unsupported type is passed as argument to ${caller}`);
    }
    return out;
  };
}
const rdsModule = {
  select: statement('SELECT', 'select'),
  insert: statement('INSERT', 'insert'),
  update: statement('UPDATE', 'update'),
  remove: statement('REMOVE', 'remove'),
  sql,
  createPgStatement: (...given) => builder('"', 'createPgStatement')(...given),
  createMySQLStatement: (...given) => builder('`', 'createMySQLStatement')(...given),
  toJsonObject,
  typeHint,
  agg,
};
