// @aws-appsync/utils/ai: requests to Bedrock.
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-modules-js.html
const aiModule = {
  invokeModel: (payload) => ({ operation: 'InvokeModel', ...payloadOf(payload, 'invokeModel') }),
  converse: (payload) => ({ operation: 'Converse', ...payloadOf(payload, 'converse') }),
};
