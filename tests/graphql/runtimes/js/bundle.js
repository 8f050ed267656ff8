// src/resolver.ts
import { util as util2 } from "@aws-appsync/utils";
import * as ddb from "@aws-appsync/utils/dynamodb";

// src/lib/keys.ts
import { util } from "@aws-appsync/utils";
var keyOf = (id) => {
  if (!id) {
    util.error("no id", "Missing");
  }
  return { pk: util.base64Encode(id), kind: "a" /* A */ };
};

// src/resolver.ts
function request(ctx) {
  const { id, tags = [], ...rest } = ctx.args;
  for (const tag of tags) {
    console.log(`tag ${tag}`);
  }
  return ddb.update({ key: keyOf(id), update: { ...rest, tags: ddb.operations.append(tags) } });
}
var response = (ctx) => {
  if (ctx.error) util2.error(ctx.error.message, ctx.error.type);
  return ctx.result?.items?.map((item) => ({ ...item, n: (item.n ?? 0) + 1 })) ?? [];
};
export {
  request,
  response
};
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLi4vc3JjL3Jlc29sdmVyLnRzIiwgIi4uL3NyYy9saWIva2V5cy50cyJdLAogICJtYXBwaW5ncyI6ICI7QUFBQSxTQUFrQixRQUFBQSxhQUFZO0FBQzlCLFlBQVksU0FBUzs7O0FDRHJCLFNBQVMsWUFBWTtBQUlkLElBQU0sUUFBUSxDQUFDLE9BQXVDO0FBQzNELE1BQUksQ0FBQyxJQUFJO0FBQ1AsU0FBSyxNQUFNLFNBQVMsU0FBUztBQUFBLEVBQy9CO0FBQ0EsU0FBTyxFQUFFLElBQUksS0FBSyxhQUFhLEVBQVksR0FBRyxNQUFNLFlBQU87QUFDN0Q7OztBREhPLFNBQVMsUUFBUSxLQUFvQjtBQUMxQyxRQUFNLEVBQUUsSUFBSSxPQUFPLENBQUMsR0FBRyxHQUFHLEtBQUssSUFBSSxJQUFJO0FBQ3ZDLGFBQVcsT0FBTyxNQUFNO0FBQ3RCLFlBQVEsSUFBSSxPQUFPLEdBQUcsRUFBRTtBQUFBLEVBQzFCO0FBQ0EsU0FBVyxXQUFPLEVBQUUsS0FBSyxNQUFNLEVBQUUsR0FBRyxRQUFRLEVBQUUsR0FBRyxNQUFNLE1BQVUsZUFBVyxPQUFPLElBQUksRUFBRSxFQUFFLENBQUM7QUFDOUY7QUFFTyxJQUFNLFdBQVcsQ0FBQyxRQUFpQjtBQUN4QyxNQUFJLElBQUksTUFBTyxDQUFBQyxNQUFLLE1BQU0sSUFBSSxNQUFNLFNBQVMsSUFBSSxNQUFNLElBQUk7QUFDM0QsU0FBTyxJQUFJLFFBQVEsT0FBTyxJQUFJLENBQUMsVUFBeUIsRUFBRSxHQUFHLE1BQU0sSUFBSSxLQUFLLEtBQUssS0FBSyxFQUFFLEVBQUUsS0FBSyxDQUFDO0FBQ2xHOyIsCiAgIm5hbWVzIjogWyJ1dGlsIiwgInV0aWwiXQp9Cg==
