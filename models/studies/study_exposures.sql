{{ study_rows() }}
