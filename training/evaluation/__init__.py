"""What a trained model does to parts, in figures that a QA engineer can sign for.

    from taktsight.training.evaluation.judged import JudgedPart, OpenedPart
    from taktsight.training.evaluation.operating_point import choose_limits, measure
    from taktsight.training.evaluation.evaluate import evaluate
    from taktsight.training.evaluation.report import Subject, write_report

    parts = [JudgedPart(...), ...]                      # of val and test, scored by the network
    chosen = choose_limits(parts, labels, task)         # limits from val, and a sentence that says why
    figures = evaluate(parts, labels, task, chosen)     # what these limits do to test
    write_report(folder, figures, subject, open_part)   # report.html and evaluation.json

The network runs elsewhere: everything here takes plain arrays and needs no torch.
"""
