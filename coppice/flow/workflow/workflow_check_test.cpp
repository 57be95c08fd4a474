// SPDX-License-Identifier: Apache-2.0
// What `flow check` finds in a workflow before anything has run: types, output paths, places of trust, advice.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/temporary_folder.h"
#include "coppice/flow/workflow/advice.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {
namespace {

using nlohmann::json;

class WorkflowCheck : public testing::Test {
 protected:
  WorkflowCheck() { add_kinds(kinds_, {}); }

  static std::string top() {
    return "workflow: w\n"
           "inputs: {type: object, additionalProperties: false, properties: {name: {type: string}, n: {type: integer}, "
           "list: {type: array, items: {type: object, properties: {a: {type: string}}, additionalProperties: "
           "false}}}}\n"
           "endpoints: {local: {url: 'http://127.0.0.1:9/v1'}}\n"
           "models: {m: {endpoint: local, model: m, max_output_tokens: 200}, n: {endpoint: local, model: n}}\n";
  }

  Workflow read(const std::string& rest) {
    std::ofstream(folder_.path() / "w.yaml") << top() << rest;
    return read_workflow((folder_.path() / "w.yaml").string(), "", kinds_);
  }

  /// "line:column what (hint)" of each fault, lines counted from the first after the top; "" = none.
  std::string faults(const std::string& rest) {
    std::string text;
    try {
      (void)read(rest);
    } catch (const FaultyWorkflow& faulty) {
      for (const Error& fault : faulty.faults()) {
        const std::string place = fault.where().substr(fault.where().rfind("w.yaml:") + 7);
        const int line = std::stoi(place) - kTopLines;
        text += std::to_string(line) + place.substr(place.find(':')) + " " + fault.what();
        if (!fault.hint().empty()) text += " (" + fault.hint() + ")";
        text += "\n";
      }
    }
    return text;
  }

  /// The rules of what is advised, in order.
  std::string rules(const std::string& rest) {
    std::string text;
    for (const Advice& advice : advise(read(rest))) text += (text.empty() ? "" : " ") + advice.rule;
    return text;
  }

  static constexpr int kTopLines = 4;
  TemporaryFolder folder_;
  StepKinds kinds_;
};

const std::string kWriter = "steps:\n  a: {kind: llm, with: {model: m, prompt: x}}\n";

TEST_F(WorkflowCheck, ForeachOverWhatIsNoList) {
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, foreach: '{{ steps.a.output }}', with: {value: 1}}\n"),
            "3:33 foreach got a string, expected a list ('| split' cuts a text into its words)\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, foreach: '{{ inputs.n }}', with: {value: 1}}\n"),
            "3:33 foreach got an integer, expected a list\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, foreach: 'a, b', with: {value: 1}}\n"),
            "3:33 foreach got a string, expected a list ('| split' cuts a text into its words)\n");
  EXPECT_EQ(faults(kWriter + "outputs: {files: [{path: '{{ item }}', content: x, foreach: '{{ files }}'}]}\n"),
            "3:62 foreach got an object, expected a list ('| items' makes pairs of its names and values)\n");
  EXPECT_EQ(
      faults(kWriter + "  b: {kind: template, foreach: '{{ steps.a.output | split }}', with: {value: '{{ item }}'}}\n"
                       "  c: {kind: template, foreach: '{{ inputs.list }}', with: {value: '{{ item.a }}'}}\n"),
      "");
}

TEST_F(WorkflowCheck, FieldsThatAreNotThere) {
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, with: {value: '{{ steps.a.output.title }}'}}\n"),
            "3:41 there is no 'steps.a.output.title': 'steps.a.output' is a string\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, foreach: '{{ inputs.list }}', with: {value: '{{ item.b }}'}}\n"),
            "3:71 there is no 'item.b' (did you mean 'a'?)\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, foreach: '{{ inputs.list }}', with: {value: '{{ item.a }}'}}\n"
                             "  c: {kind: template, with: {value: '{{ steps.b.output.x }}'}}\n"),
            "4:41 there is no 'steps.b.output.x': 'steps.b.output' is an array (loop over it, or take an item by its "
            "number: [0])\n")
      << "a foreach puts out a list";
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, with: {value: '{{ inputs.nam }}'}}\n"),
            "3:41 there is no 'inputs.nam' (did you mean 'name'?)\n");
  EXPECT_EQ(faults("steps:\n  a: {kind: llm, with: {model: m, prompt: x, sections: [Visual Elements]}}\n"
                   "outputs: {result: '{{ steps.a.output.visual }}'}\n"),
            "3:23 there is no 'steps.a.output.visual'\n");
}

TEST_F(WorkflowCheck, ValuesUnderWithOfAnotherType) {
  EXPECT_EQ(faults(kWriter + "  b: {kind: retrieve, with: {index: i, query: x, top_k: '{{ steps.a.output }}'}}\n"),
            "3:58 this is a string, expected an integer ('| int' reads a number)\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: retrieve, with: {index: i, query: x, top_k: 'some {{ inputs.n }}'}}\n"),
            "3:58 this is a string, expected an integer ('| int' reads a number)\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: embed, with: {model: m, texts: '{{ steps.a.output }}'}}\n"),
            "3:45 this is a string, expected an array ('| split' cuts a text into its words)\n");
  EXPECT_EQ(faults(kWriter + "  b: {kind: llm, with: {model: m, prompt: '{{ inputs.list }}'}}\n"),
            "3:44 this is an array, expected a string ('| join(\", \")' makes a text of a list)\n");
  EXPECT_EQ(faults(kWriter +
                   "  b: {kind: llm, with: {model: m, prompt: '{{ inputs.n + 1 }}', stream: '{{ inputs.n > 2 }}'}}\n"
                   "  c: {kind: retrieve, with: {index: i, query: x, top_k: '{{ steps.a.output | int }}'}}\n"
                   "  d: {kind: retrieve, with: {index: i, query: x, top_k: '{{ inputs.n }}'}}\n"),
            "")
      << "numbers stand as texts where texts are wanted";
}

TEST_F(WorkflowCheck, TypesAreHandedOn) {
  const std::string repair =
      "  r: {kind: repair, with: {value: '{{ steps.a.output }}', files: {f: '{{ value }}'}, checks: [size], "
      "fix: {model: m, prompt: '{{ findings }}'}}}\n";
  EXPECT_EQ(faults(kWriter + repair + "outputs: {result: '{{ steps.r.output.value.x }}'}\n"),
            "4:23 there is no 'steps.r.output.value.x': 'steps.r.output.value' is a string\n");
  const std::string object = "steps:\n  a: {kind: template, with: {value: {x: '{{ inputs.n }}'}}}\n";
  EXPECT_EQ(faults(object + repair + "outputs: {result: '{{ steps.r.output.value.x }}'}\n"), "")
      << "what passes at once comes out as it was";
  EXPECT_EQ(faults(object + "outputs: {result: '{% for i in steps.a.output.x %}{% endfor %}'}\n"),
            "3:32 got an integer, expected a list or an object to loop over\n");
  EXPECT_EQ(faults(object + "  b: {kind: template, with: {value: '{{ steps.a.output.y }}'}}\n"),
            "3:41 there is no 'steps.a.output.y' (did you mean 'x'?)\n");
}

TEST_F(WorkflowCheck, NothingIsSaidOfWhatIsNotKnownOrAsked) {
  EXPECT_EQ(
      faults("steps:\n"
             "  a: {kind: command, with: {command: [x], json: true}}\n"
             "  b: {kind: template, foreach: '{{ steps.a.output.value }}', with: {value: '{{ item.x.y }}'}}\n"
             "  c: {kind: http, with: {url: 'http://x/'}}\n"
             "  d: {kind: template, if: 'inputs.name is mapping', with: {value: '{{ inputs.name.x }}'}}\n"
             "  e: {kind: template, with: {value: '{{ steps.c.output.json.a[0] }} {{ steps.c.output.headers.x }}'}}\n"
             "  f: {kind: llm, with: {model: m, prompt: x, sections: '{{ inputs.list }}'}}\n"
             "  g: {kind: template, with: {value: '{{ steps.f.output.x }}'}}\n"),
      "");
}

TEST_F(WorkflowCheck, AllFaultsAreToldAtOnce) {
  EXPECT_EQ(faults(kWriter + "  b: {kind: template, with: {value: '{{ steps.zzz.output }}'}}\n"
                             "  d: {kind: template, with: {value: '{{ steps.a.output.x }}'}}\n"),
            "3:41 unknown step 'zzz'\n"
            "4:41 there is no 'steps.a.output.x': 'steps.a.output' is a string\n");
}

TEST_F(WorkflowCheck, FaultsOfAllClassesAreToldAtOnceByLine) {
  EXPECT_EQ(faults("steps:\n"
                   "  a: {kind: llm, with: {model: m, prompt: x}}\n"
                   "  typo: {kind: llm, retrys: 3, with: {model: m, prompt: '{{ steps.nope.output }}'}}\n"
                   "  keys: {kind: llm, with: {model: m, prompt: x, promt: '{{ steps.nope.output }}'}}\n"
                   "  b: {kind: template, with: {value: '{{ steps.zzz.output }}'}}\n"
                   "  c: {kind: template, with: {value: '{{ steps.typo.output.x[3] }} {{ steps.keys.output.y }}'}}\n"
                   "  d: {kind: template, with: {value: '{{ steps.a.output.x }}'}}\n"
                   "  f: {kind: llm, with: {model: other, prompt: '{{ steps.zzz.output }}'}}\n"
                   "  p: {kind: template, with: {value: '{{ steps.q.output }}'}}\n"
                   "  q: {kind: template, with: {value: '{{ steps.p.output }}'}}\n"
                   "  r: {kind: template, with: {value: '{{ steps.s.output }}'}}\n"
                   "  s: {kind: template, with: {value: '{{ steps.r.output }}'}}\n"
                   "  u: {kind: template, with: {value: '{{ 1 + }}'}}\n"
                   "  1x: {kind: template, with: {value: 1}}\n"
                   "outputs:\n"
                   "  files: [{path: a}, {path: ../b, content: '{{ steps.u.output.x }}{{ steps.keys.outptu }}'}]\n"),
            "2:3 the name '1x': got \"1x\", expected a string that matches ^[A-Za-z_][A-Za-z0-9_-]*$\n"
            "3:29 'retrys' is not allowed here; did you mean 'retry'?\n"
            "3:61 unknown step 'nope'\n"
            "4:57 'promt' is not allowed here; did you mean 'prompt'?\n"
            "4:60 unknown step 'nope'\n"
            "5:41 unknown step 'zzz'\n"
            "7:41 there is no 'steps.a.output.x': 'steps.a.output' is a string\n"
            "8:32 unknown model 'other' (name it under models)\n"
            "8:51 unknown step 'zzz'\n"
            "9:6 steps that wait for one another: p -> q -> p\n"
            "11:6 steps that wait for one another: r -> s -> r\n"
            "13:45 got '}}', expected an expression\n"
            "16:11 'content' is missing\n"
            "16:29 the output path '../b' leaves its folder, or is none (paths of outputs start at the output folder, "
            "and stay in it)\n"
            "16:70 a step has no 'outptu', expected 'output' or 'state' (did you mean 'output'?)\n");
}

TEST_F(WorkflowCheck, WhatHangsOnAFaultIsNone) {
  const std::string steps =
      "steps:\n  a: {kind: llm, with: {model: m, prompt: '{{ files.f }} {{ inputs.x.y }}'}}\n"
      "  b: {kind: template, with: {value: '{{ steps.gone.output }}'}}\n";
  const auto whole = [&](const std::string& top) {
    std::ofstream(folder_.path() / "w.yaml") << "workflow: w\n" << top << steps;
    try {
      (void)read_workflow((folder_.path() / "w.yaml").string(), "", kinds_);
    } catch (const FaultyWorkflow& faulty) {
      std::string text;
      for (const Error& fault : faulty.faults()) text += std::string(fault.what()) + "\n";
      return text;
    }
    return std::string();
  };
  const std::string good = "endpoints: {e: {url: 'http://x/'}}\nmodels: {m: {endpoint: e, model: m}}\n";
  const std::string file = "files: {f: {text: x}}\n";
  const std::string gone = "unknown step 'gone'\n";
  EXPECT_EQ(whole(good + file), gone);
  EXPECT_EQ(whole(good + "budget: {run: 1}\n" + file),
            "the workflow has a budget, and nobody knows what the model 'm' costs\n" + gone);
  EXPECT_EQ(whole(good + "budget: {run: 1}\nprices: 5\n" + file),
            "got a number, expected a string or an object\n" + gone);
  EXPECT_EQ(whole("endpoints: {e: {url: 5}}\nmodels: {m: {endpoint: e, model: m}}\nbudget: {run: 1}\n" + file),
            "got a number, expected a string\n" + gone);
  EXPECT_EQ(whole("endpoints: {}\nmodels: {m: {endpoint: e, model: m}}\nbudget: {run: 1}\n" + file),
            "unknown endpoint 'e'\n" + gone);
  EXPECT_EQ(whole("endpoints: {}\nmodels: {m: {model: m}}\n" + file), "'endpoint' is missing\n" + gone);
  EXPECT_EQ(whole("endpoints: {}\nmodel: {m: {model: m}}\n" + file),
            "'model' is not allowed here; did you mean 'models'?\n" + gone);
  EXPECT_EQ(whole("models: 5\n" + file), "got a number, expected an object\n" + gone);
  EXPECT_EQ(whole(good + "files: {f: 5}\n"), "got a number, expected a string or an object\n" + gone);
  EXPECT_EQ(whole(good + "files: {f: missing.txt}\n").substr(0, folder_.path().string().size()),
            folder_.path().string())
      << "here it is a fault like others";
  EXPECT_EQ(whole(good + file + "inputs: {type: objekt}\n").ends_with("\n" + gone), true);
  EXPECT_EQ(whole(good + file + "inputs: 5\n"), "got a number, expected a boolean or an object\n" + gone);
}

TEST_F(WorkflowCheck, AFileThatCannotBeReadIsNoFaultOfTheWorkflow) {
  try {
    (void)read("files: {f: missing.txt}\n" + kWriter + "outputs: {result: '{{ files.f }}'}\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
  }
}

TEST_F(WorkflowCheck, OutputPathsThatAreNone) {
  const auto path = [&](const std::string& text) {
    return faults(kWriter + "outputs:\n  files:\n    - {path: " + text + ", content: x}\n");
  };
  const std::string hint =
      " leaves its folder, or is none (paths of outputs start at the output folder, and stay in it)\n";
  EXPECT_EQ(path("../x"), "5:14 the output path '../x'" + hint);
  EXPECT_EQ(path("/etc/x"), "5:14 the output path '/etc/x'" + hint);
  EXPECT_EQ(path("a/../../x"), "5:14 the output path 'a/../../x'" + hint);
  EXPECT_EQ(path("a//x"), "5:14 the output path 'a//x'" + hint);
  EXPECT_EQ(path("\"a\\0b\""), "5:15 the output path \"a\\u0000b\"" + hint);
  EXPECT_EQ(path("'../{{ inputs.name }}.html'"), "5:15 the output path '../name.html'" + hint);
  EXPECT_NE(path("''"), "");
  for (const char* good :
       {"a/b.html", "'{{ inputs.name }}'", "'{{ inputs.name }}/..a/b'", "'{% if inputs.n %}../{% endif %}a'"}) {
    EXPECT_EQ(path(good), "") << good;
  }
  EXPECT_EQ(faults(kWriter + "outputs:\n  files:\n    - {path: a, content: x}\n    - {path: a, content: y}\n"),
            "6:14 two outputs are called 'a'\n");
}

TEST_F(WorkflowCheck, NoOutputDecidesWhatRuns) {
  const auto command = [&](const std::string& with, const std::string& more = "") {
    return faults(kWriter + "  b: {kind: command" + more + ", with: {" + with + "}}\n");
  };
  const std::string fault =
      " what a step puts out may not decide 'with/command/0' of a command: a model may have written it "
      "(write it out, or take it from the input)\n";
  EXPECT_EQ(command("command: ['{{ steps.a.output }}', x]"), "3:40" + fault);
  EXPECT_EQ(command("command: '{{ steps.a.output | split }}'"), "3:39" + fault);
  EXPECT_EQ(command("command: ['/bin/{{ item }}']", ", foreach: '{{ steps.a.output | split }}'"), "3:81" + fault);
  EXPECT_EQ(command("command: ['{% set x = steps.a.output %}{{ x }}']"), "3:40" + fault);
  EXPECT_NE(command("command: [x], environment: {PATH: '{{ steps.a.output }}'}"), "");
  EXPECT_EQ(command("command: [x, '{{ steps.a.output }}'], input: '{{ steps.a.output }}', environment: {A: '{{ "
                    "steps.a.output }}'}"),
            "");
  EXPECT_EQ(command("command: ['{{ inputs.name }}', x]"), "");
  EXPECT_EQ(command("command: ['{{ item.a }}']", ", foreach: '{{ inputs.list }}'"), "");
  EXPECT_EQ(
      faults(kWriter + "  b: {kind: sql, with: {database: '{{ steps.a.output }}', query: select 1}}\n"),
      "3:36 what a step puts out may not decide 'with/database' of a sql: a model may have written it (write it out, "
      "or take it from the input)\n");
}

TEST_F(WorkflowCheck, ServersThatAModelChoosesAreWarnedOf) {
  const auto url = [&](const std::string& text) {
    return rules(kWriter + "  b: {kind: http, with: {url: '" + text +
                 "'}}\noutputs: {result: '{{ steps.b.output.body }}'}\n");
  };
  EXPECT_EQ(url("{{ steps.a.output }}"), "open-url");
  EXPECT_EQ(url("https://{{ steps.a.output }}/x"), "open-url");
  EXPECT_EQ(url("https://good.example{{ steps.a.output }}"), "open-url") << "@evil.example";
  EXPECT_EQ(url("{% if inputs.n %}https://x.example/{% endif %}{{ steps.a.output }}"), "open-url");
  EXPECT_EQ(url("https://good.example/{{ steps.a.output }}"), "");
  EXPECT_EQ(url("https://good.example?q={{ steps.a.output }}"), "");
  EXPECT_EQ(rules("steps:\n  b: {kind: http, with: {url: '{{ inputs.name }}'}}\n"), "");
}

// ---- advice

TEST_F(WorkflowCheck, StepsThatCouldBeOne) {
  const std::string chain = kWriter + "  b: {kind: llm, with: {model: m, prompt: '{{ steps.a.output }}'}}\n";
  EXPECT_EQ(rules(chain + "outputs: {result: '{{ steps.b.output }}'}\n"), "merge");
  EXPECT_EQ(rules(chain + "outputs: {result: ['{{ steps.a.output }}', '{{ steps.b.output }}']}\n"), "");
  EXPECT_EQ(rules(kWriter + "  b: {kind: llm, with: {model: n, prompt: '{{ steps.a.output }}'}}\n"
                            "outputs: {result: '{{ steps.b.output }}'}\n"),
            "")
      << "another model";
}

TEST_F(WorkflowCheck, OutputsThatNobodyReads) {
  EXPECT_EQ(rules(kWriter), "unused");
  EXPECT_EQ(rules(kWriter + "outputs: {result: '{{ steps.a.output }}'}\n"), "");
}

TEST_F(WorkflowCheck, AllWithAll) {
  std::string steps = "steps:\n";
  for (int i = 0; i < 5; ++i) {
    std::string prompt;
    for (int j = 0; j < i; ++j) prompt += "{{ steps.s" + std::to_string(j) + ".output }}";
    steps += "  s" + std::to_string(i) + ": {kind: llm, with: {model: m, max_output_tokens: 50, prompt: 'x" + prompt +
             "'}}\n";
  }
  EXPECT_EQ(rules(steps + "outputs: {result: '{{ steps.s4.output }}'}\n"), "coordination") << "answers are short";
}

TEST_F(WorkflowCheck, PromptsFarLongerThanTheirAnswers) {
  const std::string text(8000, 'x');
  EXPECT_EQ(rules("steps:\n  a: {kind: llm, with: {model: m, max_output_tokens: 10, prompt: " + text +
                  "}}\noutputs: {result: '{{ steps.a.output }}'}\n"),
            "long-prompt");
  EXPECT_EQ(rules("steps:\n  a: {kind: llm, with: {model: m, prompt: " + text +
                  "}}\noutputs: {result: '{{ steps.a.output }}'}\n"),
            "")
      << "200 tokens of answer";
  EXPECT_EQ(rules("files: {long: {text: " + text +
                  "}}\nsteps:\n"
                  "  a: {kind: repair, with: {value: x, files: {f: '{{ value }}'}, checks: [size], "
                  "fix: {model: n, max_output_tokens: 10, prompt: '{{ files.long }}'}}}\n"
                  "outputs: {result: '{{ steps.a.output.value }}'}\n"),
            "long-prompt")
      << "of a question inside, too";
  EXPECT_EQ(rules("steps:\n  a: {kind: llm, with: {model: m, max_output_tokens: '{{ inputs.n }}', prompt: " + text +
                  "}}\noutputs: {result: '{{ steps.a.output }}'}\n"),
            "")
      << "nobody knows yet";
}

class RepeatedTextCheck : public WorkflowCheck {
 protected:
  /// What is advised of texts that two steps send.
  std::string said(const std::string& first, const std::string& second,
                   const std::string& before = "  z: {kind: llm, with: {model: n, prompt: x}}\n") {
    const Workflow flow =
        read("files: {long: {text: " + std::string(2000, 'x') + "}, short: {text: x}}\nsteps:\n" + before +
             "  a: {kind: llm, with: {model: m, prompt: '" + first +
             "'}}\n"
             "  b: {kind: llm, with: {model: m, prompt: '" +
             second +
             "'}}\n"
             "outputs: {result: ['{{ steps.a.output }}', '{{ steps.b.output }}', '{{ steps.z.output }}']}\n");
    std::string text;
    for (const Advice& advice : advise(flow)) {
      if (advice.rule == "repeated-text") text += advice.text + "\n";
    }
    return text;
  }
};

TEST_F(RepeatedTextCheck, FilesInputsAndOutputs) {
  const std::string unknown =
      " is sent by 'a' and 'b' (how many tokens is known once it runs; coppice flow plan tells): each pays for it\n";
  EXPECT_EQ(said("{{ files.long }}", "y {{ files.long }}"),
            "files.long is sent by 'a' and 'b' (some 500 tokens): each pays for it\n");
  EXPECT_EQ(said("{{ files.short }}", "{{ files.short }}"), "");
  EXPECT_EQ(said("{{ inputs.name }}", "{{ inputs.name }}"), "inputs.name" + unknown);
  EXPECT_EQ(said("{{ inputs.n }}", "{{ inputs.n }}"), "") << "a number is short";
  EXPECT_EQ(said("{{ steps.z.output }}", "{{ steps.z.output | upper }}"), "steps.z.output" + unknown);
  EXPECT_EQ(said("{{ steps.z.output }}", "{{ steps.z.output }}", "  z: {kind: llm, with: {model: m, prompt: x}}\n"),
            "steps.z.output is sent by 'a' and 'b' (at most 200 tokens): each pays for it\n");
  EXPECT_EQ(said("{{ steps.z.state }}", "{{ steps.z.state }}"), "");
  EXPECT_EQ(said("{{ steps.z.output }}", "{{ inputs.name }}"), "");
}

TEST_F(RepeatedTextCheck, APartOfWhatIsSentWholeCountsAndItemsToo) {
  const std::string each = "  z: {kind: llm, foreach: '{{ inputs.list }}', with: {model: n, prompt: '{{ item.a }}'}}\n";
  EXPECT_EQ(said("x {{ inputs }}", "{{ inputs.name }}"),
            "inputs.name is sent by 'a' and 'b' (how many tokens is known once it runs; coppice flow plan tells): each "
            "pays for it\n");
  EXPECT_EQ(said("{{ inputs.list | tojson }}", "y", each),
            "inputs.list[].a is sent by 'z' (for each item) and 'a' (how many tokens is known once it runs; coppice "
            "flow plan "
            "tells): each pays for it\n");
}

TEST_F(RepeatedTextCheck, OfStepsWithConditionsOneAloneMayRun) {
  const auto steps = [&](const std::string& condition) {
    return rules(
        "steps:\n  a: {kind: llm, if: inputs.n > 1, with: {model: m, prompt: '{{ inputs.name }}'}}\n"
        "  b: {kind: llm" +
        condition +
        ", with: {model: m, prompt: '{{ inputs.name }}'}}\n"
        "outputs: {result: ['{{ steps.a.output | default(1) }}', '{{ steps.b.output | default(1) }}']}\n");
  };
  EXPECT_EQ(steps(", if: inputs.n <= 1"), "");
  EXPECT_EQ(steps(""), "repeated-text");
}

TEST_F(RepeatedTextCheck, WhatIsNotSentToAModelDoesNotCount) {
  EXPECT_EQ(said("{{ steps.z.output }}", "y",
                 "  z: {kind: llm, with: {model: n, prompt: x}}\n"
                 "  r: {kind: repair, with: {value: '{{ steps.z.output }}', files: {f: '{{ value }}'}, checks: [size], "
                 "fix: {model: m, prompt: x}}}\n"
                 "  q: {kind: template, with: {value: '{{ steps.z.output }}'}}\n"),
            "");
}

}  // namespace
}  // namespace coppice
