// extensions: effects that the host carries out after the handler.
// https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html
function effect(name, check) {
  return (...parameters) => {
    check(`extensions.${name}`, ...parameters);
    left.effects.push({ name, parameters });
    return null;
  };
}
function filterChecked(name, filter) {
  if (!isMap(filter) || !isArray(filter.filterGroup)) misuse(`${name} expects an object with a 'filterGroup'`);
}
const extensions = {
  evictFromApiCache: effect('evictFromApiCache', (name, type, field, entry) => {
    text(type, name);
    text(field, name);
    if (!nothing(entry) && !isMap(entry)) misuse(`${name} expects the values of caching keys as an object`);
  }),
  setSubscriptionFilter: effect('setSubscriptionFilter', filterChecked),
  setSubscriptionInvalidationFilter: effect('setSubscriptionInvalidationFilter', filterChecked),
  invalidateSubscriptions: effect('invalidateSubscriptions', (name, object) => {
    if (!isMap(object) || typeof object.subscriptionField !== 'string') misuse(`${name} expects an object with a 'subscriptionField'`);
  }),
};
