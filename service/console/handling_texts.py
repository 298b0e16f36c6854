"""What the pages say about the union's own tools: tasks of assisting unions, in Chinese and English."""

PAIRS: dict[str, tuple[str, str]] = {
    # Tasks of assisting unions
    "nav.tasks": ("协办任务", "Assisting"),
    "task.title": ("待答复的协办任务", "Tasks to assist"),
    "task.none": ("没有待答复的协办任务。", "No task waits for an answer."),
    "task.ask": ("任务", "Task"),
    "task.union": ("协办工会", "Assisting union"),
    "task.lead": ("承办工会", "With"),
    "task.late": ("已逾期", "late"),
    "task.all": ("全部协办任务", "All tasks"),
    "task.of_ticket": ("协办任务", "Tasks of assisting unions"),
    "task.by": ("{due} 前答复", "answer by {due}"),
    "field.task_union": ("请哪个工会协办", "Which union"),
    "field.task_ask": ("请其做什么", "What it is asked to do"),
    "field.task_answer": ("协办情况", "What was done and found"),
    "field.task_called_off": ("哪个工会的任务", "Which union's task"),
    "field.assist_ask": ("请协办工会做什么", "What the assisting union is asked to do"),
    "hint.assist_ask": ("不填则为协助主办工会办理", "To help the lead union if left empty"),
    "field.assist_by": ("协办答复期限", "The assisting union answers by"),
}
