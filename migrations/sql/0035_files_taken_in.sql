alter table uploaded_files add column taken_in_at timestamptz;
