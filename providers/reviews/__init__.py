"""Comments on pull requests of GitHub, GitLab and Azure DevOps. Knows no plan; never approves, merges or closes."""
