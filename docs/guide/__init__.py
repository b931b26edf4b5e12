"""What the reading guide makes from the code and the labs, so that no page can say something else.

    course      the path: every lab, written or not         plan.toml, labs/*/*/lab.toml
    labpages    the labs' own READMEs as pages              labs/*/*/README.md
    knowledge   the map: what is reached, and where         knowledge.toml, lab.toml, front matter of pages
    contracts   what is in each topic and table             schemas/*.json, *.sql
    glossary    terms, and links to them from lab pages     docs/glossary.md
    pictures    diagrams, drawn

docs/hooks.py is where mkdocs meets them.
"""
