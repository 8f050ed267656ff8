// util.transform.toSubscriptionFilter: a filter object multiplied out into groups (any) of filters (all).
// https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html
const MOST_GROUPS = 1000;

function crossed(groups, alternatives) {
  if (groups.length * alternatives.length > MOST_GROUPS) misuse(`a subscription filter of more than ${MOST_GROUPS} groups`);
  return groups.flatMap((group) => alternatives.map((alternative) => [...group, ...alternative]));
}
// Two operators on one field are alternatives; different fields, and the members of `and`, hold together.
function filterGroups(object, ignored) {
  let groups = [[]];
  for (const fieldName of keys(object)) {
    if (fieldName === 'and' || fieldName === 'or' || ignored.includes(fieldName)) continue;
    const operators = object[fieldName];
    if (operators === null || typeof operators !== 'object') misuse(`toSubscriptionFilter: '${fieldName}' needs operators`);
    groups = crossed(groups, keys(operators).map((operator) => [{ fieldName, operator, value: operators[operator] }]));
  }
  for (const each of object.and || []) groups = crossed(groups, filterGroups(each, ignored));
  if (object.or) groups = crossed(groups, object.or.flatMap((each) => filterGroups(each, ignored)));
  return groups;
}
util.transform.toSubscriptionFilter = (object, ignoredFields, rules) => {
  if (object === null || typeof object !== 'object') misuse('toSubscriptionFilter expects an object');
  let groups = filterGroups(object, ignoredFields || []);
  if (rules && keys(rules).length) groups = crossed(groups, keys(rules).flatMap((name) => filterGroups({ [name]: rules[name] }, [])));
  return { filterGroup: groups.map((filters) => ({ filters })) };
};
