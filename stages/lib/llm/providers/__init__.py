"""Who answers the questions of a stage."""
