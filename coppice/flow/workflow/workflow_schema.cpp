// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of workflow files. What stands under `with` is said by the kinds of steps.
#include <utility>

#include "coppice/flow/workflow/workflow.h"

namespace coppice {
namespace {

constexpr const char* kTop = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Coppice workflow",
  "type": "object",
  "required": ["workflow", "steps"],
  "additionalProperties": false,
  "properties": {
    "workflow": {"$ref": "#/$defs/name", "description": "The workflow's name."},
    "description": {"type": "string"},
    "inputs": {"type": ["object", "boolean"], "description": "JSON Schema of the input, which templates see as `inputs`."},
    "files": {
      "description": "Texts that templates see as `files.NAME`; paths start at the workflow's folder.",
      "type": "object",
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {
        "oneOf": [{"type": "string", "minLength": 1},
                  {"type": "object", "required": ["text"], "additionalProperties": false,
                   "properties": {"text": {"type": "string"}}}]
      }
    },
    "endpoints": {
      "description": "Servers that speak OpenAI's protocol.",
      "type": "object",
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/endpoint"}
    },
    "models": {
      "description": "Models by the names that steps use.",
      "type": "object",
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/model"}
    },
    "prices": {
      "description": "A price table in LiteLLM's form: a file, or the table itself.",
      "type": ["string", "object"]
    },
    "budget": {
      "description": "What may be spent, in dollars: by a run, by all runs of a day (UTC), by all runs of a tenant.",
      "type": "object",
      "additionalProperties": false,
      "properties": {"run": {"$ref": "#/$defs/money"}, "day": {"$ref": "#/$defs/money"}, "tenant": {"$ref": "#/$defs/money"}}
    },
    "timeout": {"type": "number", "exclusiveMinimum": 0,
                "description": "Seconds for a run: what is under way then is given up. Anew each time that it is resumed."},
    "steps": {
      "type": "object",
      "minProperties": 1,
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/step"}
    },
    "outputs": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "files": {
          "description": "The files that a run writes below its output folder.",
          "type": "array",
          "items": {
            "type": "object",
            "required": ["path", "content"],
            "additionalProperties": false,
            "properties": {
              "path": {"type": "string", "minLength": 1},
              "content": {"type": "string", "description": "A text, or a value with `base64` and `media_type`, such as an image."},
              "foreach": {"type": "string"}
            }
          }
        },
        "checks": {"type": "array", "description": "What the files must pass for a run to count as accepted, whatever the variant."},
        "result": {"description": "What a run answers: any value, with templates."}
      }
    },
    "variants": {
      "description": "Other ways to do the same: by name, a merge patch (RFC 7396) of this file; null takes something away.",
      "type": "object",
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"type": "object"}
    }
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$", "maxLength": 64},
    "money": {"type": ["number", "string"], "minimum": 0, "description": "Dollars: 0.5 or \"0.50 USD\"."},
    "endpoint": {
      "type": "object",
      "required": ["url"],
      "additionalProperties": false,
      "properties": {
        "url": {"type": "string", "pattern": "^https?://", "description": "Up to and with /v1."},
        "provider": {"type": "string", "description": "For the price table and for traces."},
        "key": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "description": "The environment variable that holds the key; never the key itself."},
        "structured_output": {"enum": ["automatic", "json_schema", "json_object", "grammar", "prompt"]},
        "max_tokens_name": {"enum": ["max_completion_tokens", "max_tokens"]},
        "usage_in_stream": {"type": "boolean"},
        "concurrency": {"type": "integer", "minimum": 1, "maximum": 100000},
        "requests_per_minute": {"type": "integer", "minimum": 1},
        "tokens_per_minute": {"type": "integer", "minimum": 1},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds for one attempt."},
        "retries": {"type": "integer", "minimum": 0, "maximum": 20, "description": "Attempts after the first; 2 unless given."}
      }
    },
    "model": {
      "type": "object",
      "required": ["endpoint", "model"],
      "additionalProperties": false,
      "properties": {
        "endpoint": {"type": "string"},
        "model": {"type": "string", "minLength": 1, "description": "As the server calls it."},
        "price": {
          "description": "In place of the price table: the word free, or an entry of such a table.",
          "oneOf": [{"const": "free"}, {"type": "object", "minProperties": 1}]
        },
        "cheaper": {"type": "string", "description": "The model that takes its place when the budget is short."},
        "max_output_tokens": {"type": "integer", "minimum": 1, "maximum": 10000000},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "seed": {"type": "integer", "minimum": 0},
        "reasoning_effort": {"type": "string"},
        "extra": {"type": "object", "description": "Further keys of each request, sent as they are."}
      }
    },
    "step": {
      "type": "object",
      "required": ["kind"],
      "additionalProperties": false,
      "properties": {
        "kind": {"type": "string"},
        "description": {"type": "string"},
        "persona": {"type": "string", "description": "Who the model is to be: begins its system message."},
        "needs": {"type": "array", "items": {"type": "string"}, "uniqueItems": true,
                  "description": "Steps that must have ended before, beside those that templates refer to."},
        "if": {"type": ["string", "boolean"], "description": "An expression; where it is false the step is skipped."},
        "foreach": {"type": "string", "description": "{{ a list }}: the step is done for each `item`, its output is a list."},
        "concurrency": {"type": "integer", "minimum": 1, "maximum": 100000},
        "with": {"description": "What the step is given; its keys depend on the kind."},
        "retry": {
          "type": "object",
          "required": ["times"],
          "additionalProperties": false,
          "properties": {"times": {"type": "integer", "minimum": 0, "maximum": 20},
                         "delay": {"type": "number", "minimum": 0, "maximum": 3600, "description": "Seconds; doubled each time."}}
        },
        "cache": {
          "type": ["boolean", "object"],
          "description": "Outputs are kept for later runs that ask the same; for steps that change nothing in the world.",
          "additionalProperties": false,
          "properties": {"seconds": {"type": "number", "exclusiveMinimum": 0, "description": "How long; 30 days unless given."},
                         "scope": {"enum": ["tenant", "workflow"],
                                   "description": "Who takes them: runs of the same tenant (unless given), or of the same workflow, whoever their tenant."}}
        },
        "timeout": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds for the step, each item of a foreach."},
        "budget": {"$ref": "#/$defs/money"},
        "optional": {"type": "boolean", "description": "The run goes on where it fails, or when there is no money for it."},
        "variants": {"type": "object", "propertyNames": {"$ref": "#/$defs/name"},
                     "additionalProperties": {"type": ["object", "null"]},
                     "description": "By variant, a merge patch of the step; null = not there."}
      }
    }
  }
})json";

}  // namespace

nlohmann::json workflow_schema(const StepKinds& kinds) {
  nlohmann::json schema = nlohmann::json::parse(kTop);
  nlohmann::json& step = schema["$defs"]["step"];
  step["properties"]["kind"]["enum"] = kinds.names();
  step["allOf"] = nlohmann::json::array();
  for (const std::string& name : kinds.names()) {
    const nlohmann::json is_kind = {{"properties", {{"kind", {{"const", name}}}}}, {"required", {"kind"}}};
    step["allOf"].push_back({{"if", is_kind}, {"then", {{"properties", {{"with", kinds.find(name)->with_schema()}}}}}});
  }
  return schema;
}

}  // namespace coppice
